"""WeChat shops and WeChat Pay."""

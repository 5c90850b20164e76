"""Letters of a violation case as text with fields, in Chinese and English. Pure."""

from __future__ import annotations

from collections.abc import Mapping

KINDS = ("evidence", "warning", "fine", "termination", "granted", "rejected", "dismissed")
"""The steps of a case that send a letter."""
FIELDS = ("number", "party", "sku", "channel", "seen", "limit", "observed_at", "url", "due", "amount", "reason")

_SUBJECTS = {
    "zh": {
        "evidence": "关于案件 {number} 的举证通知",
        "warning": "价格违规警告函（{number}）",
        "fine": "价格违规处罚通知（{number}）",
        "termination": "终止合作通知（{number}）",
        "granted": "申诉结果：成立（{number}）",
        "rejected": "申诉结果：驳回（{number}）",
        "dismissed": "案件 {number} 不予立案通知",
    },
    "en": {
        "evidence": "Case {number}: please send your evidence",
        "warning": "Case {number}: warning for a price violation",
        "fine": "Case {number}: fine for a price violation",
        "termination": "Case {number}: end of our cooperation",
        "granted": "Case {number}: your appeal is granted",
        "rejected": "Case {number}: your appeal is rejected",
        "dismissed": "Case {number} is dismissed",
    },
}
_FACTS = {
    "zh": (
        ("sku", "商品：{sku}"),
        ("channel", "渠道：{channel}"),
        ("observed_at", "发现时间：{observed_at}"),
        ("seen", "到手价：{seen}"),
        ("limit", "规定限价：{limit}"),
        ("url", "链接：{url}"),
    ),
    "en": (
        ("sku", "Goods: {sku}"),
        ("channel", "Channel: {channel}"),
        ("observed_at", "Seen at: {observed_at}"),
        ("seen", "Effective price: {seen}"),
        ("limit", "Limit: {limit}"),
        ("url", "Address: {url}"),
    ),
}
_ASKS = {
    "zh": {
        "evidence": "请于 {due} 前提交进货凭证、成交记录等说明材料；逾期将按现有证据处理。",
        "warning": "请于 {due} 前将价格恢复至规定范围并书面回复；逾期未改正将升级处理。",
        "fine": "按价格管理制度处以罚款 {amount}，请于 {due} 前缴纳并改正；逾期未改正将终止合作。",
        "termination": "因多次或严重违反价格管理制度，我司决定终止合作，请于 {due} 前完成货款结算与库存交接。",
        "granted": "经复核，申诉成立，本案撤销。",
        "rejected": "经复核，申诉不成立，原处理决定维持不变，请于 {due} 前执行。",
        "dismissed": "经核查，本案不成立，不作处理。",
    },
    "en": {
        "evidence": "Please send proof of purchase and your sales records by {due}; then we decide by what we have.",
        "warning": "Please bring the price back within its limits and answer by {due}; otherwise the case goes on.",
        "fine": "Under the price rules we fine you {amount}. Please pay and correct the price by {due}; otherwise we "
        "end our cooperation.",
        "termination": "For repeated or grave violations of the price rules we end our cooperation. Please settle "
        "accounts and hand over stock by {due}.",
        "granted": "On review your appeal is granted and the case is dropped.",
        "rejected": "On review your appeal is rejected. The decision stands; please carry it out by {due}.",
        "dismissed": "On review there is no case, and nothing follows.",
    },
}  # fmt: skip
_ADDRESS = {"zh": "{party}：", "en": "Dear {party},"}
_REASON = {"zh": "说明：{reason}", "en": "Reason: {reason}"}


def compose(kind: str, language: str, given: Mapping[str, str]) -> tuple[str, str]:
    """(subject, text) of a letter of ``kind`` in "zh" or "en"; fields that are empty are left out."""
    known = dict.fromkeys(FIELDS, "") | {name: value for name, value in given.items() if name in FIELDS}
    lines = [_ADDRESS[language], ""]
    lines += [text for name, text in _FACTS[language] if known[name]]
    lines += ["", _ASKS[language][kind]]
    if known["reason"]:
        lines += ["", _REASON[language]]
    return _SUBJECTS[language][kind].format(**known), "\n".join(lines).format(**known)

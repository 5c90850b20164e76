"""Sales platforms on this machine: real HTTP servers that refuse what the real ones would refuse.

Each writes its platform's rules out a second time, from the contract and not from the code under test.
"""

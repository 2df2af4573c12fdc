"""What was revoked: tokens, subjects and issuers that are refused although nothing else is wrong with them.

Owns: the deny-list, in this process's memory or shared by a fleet.
Must never know: policy, requests, how a token is verified.
"""

"""``keyhole verify``: attacks a running Keyhole, and says of each of its promises whether it holds.

A *check* is one function with its words (`keyhole.verify.check`). A *target* is where and as whom
it asks. The lab brings more: an upstream that lies, certificates that should not be believed.
"""

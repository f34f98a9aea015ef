"""The lab's internet: an encrypted upstream that answers any name, or misbehaves on purpose.

``python -m keyhole.lab.internet --help`` starts one alone, as tests do.
"""

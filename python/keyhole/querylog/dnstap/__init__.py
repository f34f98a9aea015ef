"""Queries as dnstap messages in Frame Streams, for programs that read them.

The field numbers are those of ``dnstap.proto`` (dnstap.info); the frames are those of the Frame
Streams specification that ``fstrm`` documents. An event keeps no message as it was on the wire: the
question is built again from its name and type, and an answer is told by its header alone, where its
response code is known.
"""

from keyhole.querylog.dnstap.file import FileOutput
from keyhole.querylog.dnstap.message import CONTENT_TYPE, Messages
from keyhole.querylog.dnstap.socket import SocketOutput, Target

__all__ = ["CONTENT_TYPE", "FileOutput", "Messages", "SocketOutput", "Target"]

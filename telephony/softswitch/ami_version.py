"""Asks an Asterisk for its version over AMI, once."""

import asyncio
import re

from telephony.softswitch.ami_protocol import AmiProtocol
from telephony.softswitch.port import SwitchError
from telephony.softswitch.translate import text

TIMEOUT_S = 3.0


async def ask_version(host: str, port: int, user: str, secret: str) -> tuple[int, int]:
    """Major and minor version. Raises OSError (TimeoutError too) or `SwitchError`."""
    async with asyncio.timeout(TIMEOUT_S):
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(lambda: AmiProtocol(lambda _: None), host, port)
    try:
        login = {"Action": "Login", "Username": user, "Secret": secret, "Events": "off"}
        ((answer,),) = await protocol.request(login, timeout_s=TIMEOUT_S)
        if text(answer, "Response") != "Success":
            raise SwitchError("login refused")
        ((answer,),) = await protocol.request({"Action": "CoreSettings"}, timeout_s=TIMEOUT_S)
        version = re.match(r"(\d+)\.(\d+)", text(answer, "AsteriskVersion"))
        if version is None:
            raise SwitchError("no version")
        return int(version[1]), int(version[2])
    finally:
        protocol.close()

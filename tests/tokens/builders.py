"""Agora's public builders for Python, from the folder that is the first argument; see builders.js for what goes in and out."""

import json
import sys
import zlib
from base64 import b64decode

sys.path.insert(0, sys.argv[1])

from agora_token_builder import RtcTokenBuilder as Builder006  # noqa: E402
from agora_token_builder.AccessToken import AccessToken as Token006  # noqa: E402
from agoraiotools.AccessToken2 import AccessToken2 as Token007  # noqa: E402
from agoraiotools.RtcTokenBuilder import RtcTokenBuilder as OtherBuilder006  # noqa: E402
from agoraiotools.RtcTokenBuilder2 import RtcTokenBuilder2 as Builder007  # noqa: E402


def by_006(builder):
    return lambda o: builder.buildTokenWithAccount(
        o["app_id"], o["certificate"], o["channel"], o["uid"], o["role"], o["now"] + o["expire"])


def by_007(o):
    return Builder007.build_token_with_user_account(
        o["app_id"], o["certificate"], o["channel"], o["uid"], o["role"], o["expire"], o["privilege_expire"])


BUILDERS = {
    "PyPI agora-token-builder 006": by_006(Builder006),
    "PyPI agoraiotools 006": by_006(OtherBuilder006),
    "PyPI agoraiotools 007": by_007,
}


def reads(entry):
    token, order = entry["token"], entry["order"]
    if token.startswith("006"):
        parsed = Token006(order["app_id"], order["certificate"], order["channel"], order["uid"])
        return parsed.fromString(token) and parsed.build() == token
    parsed = Token007()
    if not parsed.from_string(token):
        return False
    # Their parser checks no signature, but their builder signs the same bytes alike only if ours is right.
    again = Token007(order["app_id"], order["certificate"], parsed._AccessToken__issue_ts, order["expire"])
    again._AccessToken__salt = parsed._AccessToken__salt
    service = parsed._AccessToken__service[1]
    uid = "" if order["uid"] == 0 else str(order["uid"])
    if (service._ServiceRtc__channel_name.decode(), service._ServiceRtc__uid.decode()) != (order["channel"], uid):
        return False
    again.add_service(service)
    return zlib.decompress(b64decode(again.build()[3:])) == zlib.decompress(b64decode(token[3:]))


work = json.load(sys.stdin)
made = {name: [build(order) for order in work["make"]] for name, build in BUILDERS.items()}
json.dump({"made": made, "read": [reads(entry) for entry in work["read"]]}, sys.stdout)

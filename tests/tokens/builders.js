// Agora's public builders for Node, from the folder that is the first argument. Standard input: {make: [order], read: [{token, order}]};
// standard output: {made: {builder: [token]}, read: [whether their parser reads our token as what was ordered]}.
const { createRequire } = require("node:module");
const { readFileSync } = require("node:fs");
const path = require("node:path");

const load = createRequire(path.join(path.resolve(process.argv[2]), "package.json"));
const old = load("agora-access-token");
const { AccessToken: Token006 } = load("agora-access-token/src/AccessToken");
const { RtcTokenBuilder } = load("agora-token");
const { AccessToken2: Token007 } = load("agora-token/src/AccessToken2");

const { make, read } = JSON.parse(readFileSync(0, "utf8"));

const builders = {
  "npm 006": (o) => old.RtcTokenBuilder.buildTokenWithAccount(o.app_id, o.certificate, o.channel, o.uid, o.role, o.now + o.expire),
  "npm 007": (o) => RtcTokenBuilder.buildTokenWithUserAccount(o.app_id, o.certificate, o.channel, o.uid, o.role, o.expire, o.privilege_expire),
};

function reads({ token, order }) {
  if (token.startsWith("006")) {
    // Their parser checks no signature, but their builder makes the same token from what it read only if ours is right.
    const parsed = new Token006(order.app_id, order.certificate, order.channel, order.uid);
    return parsed.fromString(token) && parsed.build() === token;
  }
  const parsed = new Token007("", "", 0, 0);
  if (!parsed.from_string(token) || !parsed.verifySignature(order.certificate)) return false;
  const [service] = parsed.getServices(1);
  const uid = order.uid === 0 ? "" : `${order.uid}`;
  const texts = [parsed.appId, service.__channel_name, service.__uid].map(String);
  return parsed.expire === order.expire && texts.join("\n") === [order.app_id, order.channel, uid].join("\n");
}

const made = Object.fromEntries(Object.entries(builders).map(([name, build]) => [name, make.map(build)]));
process.stdout.write(JSON.stringify({ made, read: read.map(reads) }));

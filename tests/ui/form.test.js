import assert from "node:assert/strict";
import { test } from "node:test";
import { deviceLabel, fieldOfCode, joinParams, missingField, wellFormedAppId } from "../../ui/form.js";
import { LANGUAGES } from "../../ui/i18n/index.js";

const FIELDS = { appID: "a", channel: "demo", token: "", uid: "", cameraId: "pattern", microphoneId: "", cameraResolution: "default", mode: "live", codec: "h264" };

test("the first required field that is empty is named, App ID before channel", () => {
  assert.equal(missingField({ ...FIELDS, appID: "", channel: "" }), "appID");
  assert.equal(missingField({ ...FIELDS, channel: "" }), "channel");
  assert.equal(missingField(FIELDS), null);
});

test("an empty token or uid is none, and a uid is a number", () => {
  const params = joinParams(FIELDS);
  assert.deepEqual([params.token, params.uid, params.microphoneId], [null, null, null]);
  assert.equal(joinParams({ ...FIELDS, uid: "7", mode: "rtc" }).uid, 7);
  assert.equal(joinParams({ ...FIELDS, mode: "rtc" }).mode, "rtc");
});

test("a code leads to its field", () => {
  assert.equal(fieldOfCode("UID_CONFLICT"), "uid");
  assert.equal(fieldOfCode("NO_AUTHORIZED"), "token");
  assert.equal(fieldOfCode("SOCKET_ERROR"), null);
  for (const code of ["INVALID_VENDOR_KEY", "INVALID_CHANNEL_NAME", "ERR_INVALID_UID", "ERR_DYNAMIC_USE_STATIC_KE"]) {
    assert.ok(code in LANGUAGES.en.code && fieldOfCode(code), code);
  }
});

test("an App ID is 32 hexadecimal characters", () => {
  assert.ok(wellFormedAppId("970CA35de60c44645bbae8a215061b33"));
  for (const bad of ["", "nonsense", "970CA35de60c44645bbae8a215061b3", "970CA35de60c44645bbae8a215061b3g"]) assert.ok(!wellFormedAppId(bad), bad);
});

test("a device without a name gets the sample's", () => {
  assert.equal(deviceLabel({ id: "x", label: "" }, "camera", 0), "camera-0");
  assert.equal(deviceLabel({ id: "x", label: "Webcam" }, "camera", 0), "Webcam");
});

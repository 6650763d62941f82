import assert from "node:assert/strict";
import { test } from "node:test";
import { read, sources } from "./sources.js";

const html = read("index.html");

test("the sample's ids and names are on the page", () => {
  const ids = ["form", "cameraId", "microphoneId", "cameraResolution", "join", "leave", "publish", "unpublish", "video", "show_profile"];
  for (const id of ids) assert.match(html, new RegExp(`id="${id}"`), id);
  const tile = read("grid/tile.js");
  for (const id of ["local_stream", "local_video_info", "remote_video_panel_${stream}", "remote_video_${stream}", "remote_video_info_${stream}"]) {
    assert.ok(tile.includes(id), id);
  }
  for (const name of ["appID", "channel", "token", "uid", "cameraId", "microphoneId", "cameraResolution", "mode", "codec"]) {
    assert.match(html, new RegExp(`name="${name}"`), name);
  }
});

test("the codec offers H.264 and shows VP8 with its reason", () => {
  assert.match(html, /value="h264" checked/);
  assert.match(html, /value="vp8" disabled aria-describedby="vp8_reason"/);
});

test("no id is given twice", () => {
  const ids = [...html.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, ids.length);
});

test("every page is of one origin, and every dialog has a name", () => {
  for (const page of ["index.html", "pip.html"]) {
    const text = read(page);
    assert.doesNotMatch(text, /(?:src|href)="(?:https?:)?\/\//, page);
    assert.doesNotMatch(text, /<script(?![^>]*\ssrc=)|<style|\sstyle="|\son\w+="/, page);
    for (const [dialog] of text.matchAll(/<(?:dialog|div)[^>]*(?:role="dialog"|<dialog)[^>]*>/g)) assert.match(dialog, /aria-labelledby=|data-i18n-label=/);
  }
});

test("only api.js knows Tauri", () => {
  for (const [path, text] of sources()) assert.equal(text.includes("__TAURI__"), path === "api.js", path);
});

test("the page needs nothing from elsewhere and no inline script or style", () => {
  assert.doesNotMatch(html, /(?:src|href)="(?:https?:)?\/\//);
  assert.doesNotMatch(html, /<script(?![^>]*\ssrc=)|<style|\sstyle="|\son\w+="/);
  for (const [path, text] of sources()) assert.doesNotMatch(text, /https?:\/\/(?!www\.w3\.org\/2000\/svg)/, path);
});

test("every script is type-checked", () => {
  for (const [path, text] of sources()) assert.ok(path === "early.js" || text.startsWith("// @ts-check\n"), path);
});

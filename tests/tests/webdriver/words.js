// What of a page is in another language than the page, and what stands out of the window to the side.

// Names, units and keys are the same in every language; so are the sample's buttons and Agora's words.
const ALIKE = new RegExp(
  "\\b(Visavis|App ID|UID|JOIN|LEAVE|PUBLISH|UNPUBLISH|VP8|H\\.264|OpenH264|Cisco( Systems)?|MIT|BSD|README|Windows|Super|Ctrl|Alt|Shift|Backspace|Esc|PgUp|PgDn|" +
    "Show Profile|live|rtc|h264|vp8|wss?://[\\w.:/-]*|channel-server [a-z ]+|looks|demo|Ana|Default|token|Token)\\b",
  "g",
);
// What people typed, what machines are called, what names itself in its own language, and what was said before the language changed.
const NAMES = "bdi, .name, .code, kbd, code, pre, option, script, style, .video-profile, [lang]:not(html), #settings_file, .avatar, dd, #toast_log, #toasts, #microphones .item, #cameras .item";

window.visavisForeign = () => {
  const chinese = document.documentElement.lang === "zh-CN";
  const said = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const holder = node.parentElement;
    if (holder && !holder.closest(NAMES) && holder.checkVisibility()) said.add(node.textContent.trim());
  }
  for (const element of document.querySelectorAll("[aria-label], [title], [placeholder]")) {
    if (element.closest(NAMES) || !element.checkVisibility()) continue;
    for (const name of ["aria-label", "title", "placeholder"]) said.add(element.getAttribute(name)?.trim() ?? "");
  }
  // A form's placeholders are the sample's.
  for (const field of document.querySelectorAll("#form input")) said.delete(field.placeholder);
  const key = /^(toast|lobby|field|devices|problem|call|alone|people|screen|tile|weak|stats|quality|more|settings|pip|projects|help|invitation)\.\w+/;
  const foreign = (text) => (chinese ? /[A-Za-z]{3}/.test(text.replace(ALIKE, "")) : /[\u4e00-\u9fff]/.test(text));
  return [...said].filter((text) => key.test(text) || foreign(text));
};

window.visavisTooWide = () => {
  const out = document.documentElement.scrollWidth > innerWidth ? ["the page"] : [];
  for (const element of document.querySelectorAll("body *")) {
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || element.closest("svg, .visually-hidden, .settings-tabs, .toasts")) continue;
    const { left, right, width } = element.getBoundingClientRect();
    if (width > 0 && (left < -1 || right > innerWidth + 1)) out.push(`${element.tagName}#${element.id}.${element.className} ${Math.round(left)}..${Math.round(right)}`);
  }
  return out;
};

// @ts-check
/** The clipboard, for texts that may still be on their way. */

/**
 * Puts a text on the clipboard. WebKit lets a page write there only while it handles a click: the text itself may come later.
 * @param {string | Promise<string>} text
 */
export async function copy(text) {
  const blob = Promise.resolve(text).then((words) => new Blob([words], { type: "text/plain" }));
  // Whether it comes is asked below.
  blob.catch(() => undefined);
  try {
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
  } catch (thrown) {
    // A text that did not come says more than a clipboard that was left empty.
    await text;
    throw thrown;
  }
}

// @ts-check
/**
 * Keeps toasts off what has the focus in a narrow lobby, where they stand over the page and the form scrolls below them: at
 * the upper edge of the window if that is free, else above JOIN, which stays in reach, or at the lower edge. Where there is
 * no room for all of them, the newest stands alone. See toasts.css.
 */

const NARROW = "(max-width: 899px)";
const GAP = 8;

/**
 * @param {HTMLElement} stack
 * @param {HTMLElement} join
 * @returns {() => void} looks again; to be called when the stack is another
 */
export function keepClear(stack, join) {
  const place = (/** @type {Element} */ focused) => {
    const [toasts, ...kept] = [stack, join, focused].map((part) => part.getBoundingClientRect());
    const free = (/** @type {number} */ top) => {
      const bottom = top + toasts.height;
      return top >= 0 && bottom <= innerHeight && kept.every((box) => box.left >= toasts.right || box.top >= bottom || box.bottom <= top);
    };
    return [GAP, kept[0].top - GAP - toasts.height, innerHeight - GAP - toasts.height].find(free);
  };
  const look = () => {
    const lobby = stack.closest("#lobby");
    if (!lobby || !stack.firstElementChild || !matchMedia(NARROW).matches) return;
    const focused = lobby.querySelector(":focus") ?? join;
    stack.classList.remove("crowded");
    let top = place(focused);
    if (top === undefined) {
      stack.classList.add("crowded");
      top = place(focused);
    }
    stack.style.setProperty("--top", `${Math.round(top ?? GAP)}px`);
  };
  document.addEventListener("focusin", look);
  for (const change of ["scroll", "resize"]) addEventListener(change, look, { passive: true });
  return look;
}

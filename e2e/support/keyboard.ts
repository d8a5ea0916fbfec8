/** Going about a page as somebody without a pointer does. */
import { expect, type Locator, type Page } from "@playwright/test";

const stopsMax = 120;

/** Presses Tab until `target` has the focus and shows it. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  await expect(target).toBeVisible();
  for (let stops = 0; stops < stopsMax; stops++) {
    if (await target.evaluate((element) => element === document.activeElement)) {
      expect(await target.evaluate(hasVisibleFocus), "the focus can be seen").toBe(true);
      return;
    }
    await page.keyboard.press("Tab");
  }
  throw new Error(`${target.toString()} was not reached with ${stopsMax} presses of Tab`);
}

/** Runs in the page. An outline of the element itself or of what frames it. */
function hasVisibleFocus(element: Element): boolean {
  for (let each: Element | null = element; each !== null; each = each.parentElement) {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(each);
    if ((outlineStyle !== "none" && outlineWidth !== "0px") || (each === element && boxShadow !== "none")) return true;
    if (each.parentElement === element.parentElement?.parentElement) return false;
  }
  return false;
}

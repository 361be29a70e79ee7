// What the theme makes in the browser lacks names and a way in by keyboard: its buttons over code, and wide tables that scroll.
function mend() {
  for (const [index, nav] of document.querySelectorAll("nav.md-code__nav").entries()) nav.ariaLabel = `Code ${index + 1}`;
  for (const table of document.querySelectorAll(".md-typeset__scrollwrap"))
    table.tabIndex = table.scrollWidth > table.clientWidth ? 0 : -1;
}
new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
addEventListener("resize", mend);
mend();

/** The style of the reference. System fonts and no picture, so that nothing is asked of anybody else. */
export const DOCS_STYLE = `
:root {
  --ink: #1d2129; --soft: #5a6372; --line: #e3e6eb; --paper: #fff; --tint: #f6f7f9; --link: #0b5cc4; --code: #f1f3f6;
  --get: #0f766e; --post: #1d4ed8; --put: #a14c05; --patch: #7e22ce; --delete: #b91c1c;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace;
  color-scheme: light dark;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e4e7ec; --soft: #9aa4b4; --line: #2b313b; --paper: #14171c; --tint: #1b1f26; --link: #7ab2ff; --code: #20252d;
    --get: #4fd1c1; --post: #86b2ff; --put: #f5b26b; --patch: #cfa5ff; --delete: #ff9a94;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.6 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif;
}
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 3px; }
code, pre { font-family: var(--mono); font-size: .875em; }
code { background: var(--code); border-radius: 4px; padding: .1em .3em; overflow-wrap: anywhere; }
pre { background: var(--code); border: 1px solid var(--line); border-radius: 8px; padding: .85rem 1rem; overflow-x: auto; line-height: 1.5; }
pre code { background: none; padding: 0; overflow-wrap: normal; }
small { color: var(--soft); font-weight: 400; font-size: .8em; }

.toc { padding: 1.25rem 1.25rem 0; font-size: .9rem; }
.toc ul { list-style: none; margin: 0; padding: 0; }
.toc .brand { display: block; font-weight: 650; font-size: 1.05rem; color: var(--ink); margin-bottom: .75rem; }
.toc .group { display: block; margin: 1rem 0 .25rem; color: var(--soft); font-weight: 600; text-transform: capitalize; }
.toc li li a { display: flex; gap: .5rem; align-items: baseline; padding: .2rem 0; color: var(--ink); line-height: 1.35; }
.toc li li .method { flex: none; width: 3.4rem; font-size: .65rem; background: none; padding: 0; text-align: right; }

main { max-width: 52rem; padding: 1.25rem; margin: 0 auto; overflow-wrap: break-word; }
h1 { font-size: 1.9rem; line-height: 1.2; letter-spacing: -.015em; margin: .5rem 0 1rem; }
h2 { font-size: 1.45rem; line-height: 1.25; letter-spacing: -.01em; margin: 3rem 0 .5rem; text-transform: capitalize; }
.errors main h2 { font-size: 1.1rem; font-family: var(--mono); text-transform: none; margin-top: 2.25rem; padding-top: 1.5rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.15rem; line-height: 1.3; margin: 0 0 .35rem; }
h4 { font-size: .8rem; color: var(--soft); margin: 1.5rem 0 .5rem; }
.anchor { color: inherit; }
.anchor:hover::after { content: ' #'; color: var(--soft); }
.links { display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; }
article { border-top: 1px solid var(--line); padding: 1.75rem 0 .75rem; margin-top: 1.5rem; }
article:target h3 .anchor { text-decoration: underline; text-decoration-color: var(--link); text-underline-offset: .2em; text-decoration-thickness: 2px; }
.route { display: flex; gap: .6rem; align-items: baseline; margin: 0 0 1rem; }
.route code { background: none; padding: 0; font-size: .95rem; }

.method { font: 650 .72rem/1.5 var(--mono); }
.get { color: var(--get); } .post { color: var(--post); } .put { color: var(--put); }
.patch { color: var(--patch); } .delete { color: var(--delete); }

.fields { border: 1px solid var(--line); border-radius: 8px; }
.field { display: grid; grid-template-columns: minmax(9rem, 2fr) 5fr; gap: .15rem 1.25rem; padding: .6rem 1rem; font-size: .925rem; }
.field + .field { border-top: 1px solid var(--line); }
.field .name code { background: none; padding: 0; font-weight: 600; }
.field .what { min-width: 0; }
.type, .facts { color: var(--soft); font-size: .85rem; overflow-wrap: anywhere; }
.required { color: var(--delete); font-size: .75rem; white-space: nowrap; }
.answer { margin: .4rem 0; }
.answer summary { cursor: pointer; }
.answer .fields { margin: .75rem 0; }
.status { font: 650 .875rem var(--mono); color: var(--get); margin-right: .35rem; }
.status.bad { color: var(--delete); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .925rem; }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid var(--line); }

@media (max-width: 40rem) {
  .field { grid-template-columns: 1fr; }
}
@media (max-width: 63.99rem) {
  /* The contents of a narrow page are its sections; what is in them would fill the first screens. */
  .toc { border-bottom: 1px solid var(--line); padding-bottom: .75rem; }
  .toc > ul { display: flex; flex-wrap: wrap; gap: 0 1.25rem; }
  .toc .group { margin: 0; padding: .35rem 0; }
  .toc ul ul { display: none; }
}
@media (min-width: 64rem) {
  body { display: grid; grid-template-columns: 19rem minmax(0, 1fr); }
  .toc { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding-bottom: 2rem; border-right: 1px solid var(--line); background: var(--tint); }
  main { width: 100%; padding: 2rem 2.5rem 5rem; margin: 0; justify-self: center; }
}
@media print { .toc { display: none; } }
`

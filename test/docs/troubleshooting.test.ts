// The troubleshooting page: each message that it quotes is one that the sources have.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { project } from "../support/project.js";

const page = readFileSync(join(project.root, "docs", "troubleshooting.md"), "utf8");

const sources = ["src", "bin", "native", "systemd-compat"]
  .flatMap((folder) =>
    readdirSync(join(project.root, folder), { recursive: true, withFileTypes: true }).flatMap((entry) =>
      entry.isFile() ? [readFileSync(join(entry.parentPath, entry.name), "utf8")] : [],
    ),
  )
  .join("\n");

const headings = [...page.matchAll(/^### `(.*)`$/gm)].map(([, message = ""]) => message);

it("quotes messages", () => assert.ok(headings.length > 30, String(headings.length)));

for (const message of headings)
  it(`${message} is said`, () => {
    // What is between the ends of two parts of a message may be put together elsewhere.
    const parts = message.split("…").flatMap((part) => {
      const text = part.replace(/^: | $/g, "");
      return /\w{2}/.test(text) ? [text] : [];
    });
    assert.notEqual(parts.length, 0, "nothing of it is fixed");
    for (const part of parts) {
      // As they are in a string of either kind, and in C.
      const forms = [part, part.replaceAll('"', '\\"'), part.replaceAll("'", "\\'")];
      assert.ok(
        forms.some((form) => sources.includes(form)),
        `no source has ${JSON.stringify(part)}`,
      );
    }
  });

it("has a section for each entry of its list, and a link from the documents that send people here", () => {
  const titles = [...page.matchAll(/^## (.*)$/gm)].map(([, title = ""]) => title.replaceAll("`", ""));
  const links = [...page.matchAll(/^- \[(.*)\]\(#.*\)$/gm)].map(([, title = ""]) =>
    title.replaceAll("`", ""),
  );
  assert.deepEqual(links, titles);
});

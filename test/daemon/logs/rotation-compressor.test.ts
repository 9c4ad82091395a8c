// The compressor's program: what it makes of its two descriptors, and how it says what went wrong.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import {
  canCompress,
  describeExit,
  exitCode,
  exitCodeOf,
  findZstd,
  ownZstd,
} from "../../../src/daemon/logs/compression.js";
import { project } from "../../support/project.js";
import { run } from "../../support/run.js";

const program = join(project.dist, "compress.cjs");
const text = "a line\n".repeat(100_000);
const path = process.env.PATH ?? "";

interface Work {
  readonly words: readonly string[];
  /** What the program reads. */
  readonly input?: string;
  /** Where it writes, in its directory. */
  readonly output?: string;
  readonly path?: string;
}

/** Runs the compressor as the daemon does; gives its status, and what it wrote. */
async function compress({ words, input = text, output = "output", path: PATH = path }: Work) {
  const directory = mkdtempSync(join(tmpdir(), "compress-"));
  try {
    writeFileSync(join(directory, "input"), input);
    const target = output.startsWith("/") ? output : join(directory, output);
    const descriptors = [
      openSync(program, "r"),
      openSync(join(directory, "input"), "r"),
      openSync(target, "w"),
    ] as const;
    const [script, from, to] = descriptors;
    const child = spawn(process.execPath, ["-", ...words], {
      stdio: [script, "ignore", "ignore", from, to],
      env: { PATH },
    });
    for (const descriptor of descriptors) closeSync(descriptor);
    const [status] = await once(child, "close");
    const made = target === output ? Buffer.alloc(0) : readFileSync(target);
    const unpacked = join(directory, "unpacked");
    const plain = async (): Promise<string> => {
      assert.equal((await run("zstd", ["-q", "-d", target, "-o", unpacked])).status, 0);
      return readFileSync(unpacked, "utf8");
    };
    return { status, made, zstd: words[0] === "zstd" && status === 0 ? await plain() : "" };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe("the compressor", { concurrency: 2 }, () => {
  it("makes gzip of so many bytes, and of none", async () => {
    for (const length of [text.length, 7, 0]) {
      const { status, made } = await compress({ words: ["gzip", String(length)] });
      assert.equal(status, 0);
      assert.equal(gunzipSync(made).toString(), text.slice(0, length));
      assert.ok(made.length < 10_000);
    }
  });

  it("just copies", async () => {
    const { status, made } = await compress({ words: ["none", "14"] });
    assert.deepEqual([status, made.toString()], [0, "a line\na line\n"]);
  });

  it("makes Zstandard by itself or through the program, or says that there is neither", {
    skip: findZstd(path) === undefined ? "there is no program zstd" : false,
  }, async () => {
    const { status, zstd } = await compress({ words: ["zstd", "70000"] });
    assert.equal(status, 0);
    assert.equal(zstd, text.slice(0, 70_000));
    if (ownZstd() !== undefined) return;
    assert.equal((await compress({ words: ["zstd", "7"], path: "/nonexistent" })).status, exitCode.noZstd);
    assert.ok(canCompress("zstd", path) && !canCompress("zstd", "/nonexistent") && canCompress("gzip", ""));
  });

  it("gives the errno of what failed, and refuses nonsense", async () => {
    const full = await compress({ words: ["gzip", String(text.length)], output: "/dev/full" });
    assert.equal(describeExit(full.status), "No space left on device");
    for (const words of [["lzma", "7"], ["gzip"], ["gzip", "-1"], ["gzip", "many"]])
      assert.equal((await compress({ words })).status, exitCode.mistake, words.join(" "));
    assert.equal(exitCodeOf(new Error("what")), exitCode.unexpected);
    assert.equal(exitCodeOf(Object.assign(new Error("what"), { errno: -28 })), 28);
  });
});

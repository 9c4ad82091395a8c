// Directives of units that are read but not translated: [Mount], [Automount], [Swap], [Slice].

import { largest } from "../parser/number.js";
import { boolean, integer, mode, text, timeout } from "../values/basic.js";
import { path } from "../values/files.js";
import { execDirectives } from "./exec.js";
import { killDirectives, resourceDirectives } from "./resources.js";
import { impossible } from "./table.js";

const shared = { ...execDirectives, ...killDirectives, ...resourceDirectives };

export const mountDirectives = {
  What: impossible(text),
  Where: impossible(path),
  Options: impossible(text),
  Type: impossible(text),
  TimeoutSec: impossible(timeout),
  DirectoryMode: impossible(mode),
  SloppyOptions: impossible(boolean),
  LazyUnmount: impossible(boolean),
  ForceUnmount: impossible(boolean),
  ReadWriteOnly: impossible(boolean),
  ...shared,
};

export const automountDirectives = {
  Where: impossible(path),
  ExtraOptions: impossible(text),
  DirectoryMode: impossible(mode),
  TimeoutIdleSec: impossible(timeout),
};

export const swapDirectives = {
  What: impossible(text),
  Priority: impossible(integer(-1, largest.integer)),
  Options: impossible(text),
  TimeoutSec: impossible(timeout),
  ...shared,
};

export const sliceDirectives = resourceDirectives;

// The request that the launcher had sent when it lost the daemon: it comes in a file without a name, on a descriptor.
import { closeSync, readFileSync } from "node:fs";
import { decodeLostRequest, type LostRequest } from "../protocol/launcher.js";

export function takeOver(descriptor: number): LostRequest {
  delete process.env.SHEPHERD_HERD_REQUEST;
  const bytes = readFileSync(descriptor);
  closeSync(descriptor);
  return decodeLostRequest(bytes);
}

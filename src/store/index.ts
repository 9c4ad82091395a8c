// The public module `shepherd-ts/store`: a client of guix-daemon, and what names of store items are made of.

export { type DerivationOutput, type DerivationText, parseDerivation, writeDerivation } from "./aterm.js";
export { base32, fromBase32 } from "./base32.js";
export { type BuildOutputPort, currentBuildOutputPort } from "./build-output.js";
export { closeConnection, openConnection, withStore } from "./client.js";
export type { StoreConnection } from "./connection.js";
export {
  type Derivation,
  type DerivationInput,
  derivationToOutputPath,
  hashModulo,
  isDerivation,
} from "./derivation.js";
export { StoreConnectionError, StoreError, StoreProtocolError } from "./errors.js";
export type { Versions } from "./handshake.js";
export { type FileTree, narOfFile, narOfTree, type Select } from "./nar.js";
export { parseNar } from "./nar-reader.js";
export {
  type AddOptions,
  addFileTreeToStore,
  addTextToStore,
  addToStore,
} from "./operations/additions.js";
export {
  type ArchiveSink,
  type ArchiveSource,
  type ExportOptions,
  exportPaths,
  importPaths,
} from "./operations/archives.js";
export { type BuildOptions, setBuildOptions } from "./operations/build-options.js";
export {
  type Buildable,
  type BuildMode,
  buildDerivations,
  buildThings,
  builtInBuilders,
  clearFailedPaths,
  ensurePath,
  queryFailedPaths,
  substituteUrls,
} from "./operations/builds.js";
export { type DerivationOptions, derivation, readDerivation } from "./operations/derivations.js";
export {
  addIndirectRoot,
  addTempRoot,
  type Collected,
  collectGarbage,
  deadPaths,
  deletePaths,
  findRoots,
  livePaths,
  optimizeStore,
  syncWithGc,
  type VerifyOptions,
  verifyStore,
} from "./operations/garbage.js";
export {
  hashPartToPath,
  hasSubstitutes,
  type PathInfo,
  queryAllValidPaths,
  queryDerivationOutputNames,
  queryDerivationOutputs,
  queryDeriver,
  queryPathHash,
  queryPathInfo,
  queryValidPaths,
  references,
  referrers,
  requisites,
  type Substitutable,
  substitutablePathInfo,
  substitutablePaths,
  topologicallySorted,
  validDerivers,
  validPath,
} from "./operations/queries.js";
export type { ConnectionOptions } from "./options.js";
export {
  directStorePath,
  fixedOutputPath,
  type HashAlgorithm,
  isDerivationPath,
  isDirectStorePath,
  isStorePath,
  outputPath,
  parseStorePath,
  storePath,
  textPath,
} from "./store-path.js";
export type { SshOptions } from "./transport/ssh.js";

// The public module `shepherd-ts/system`: whole systems composed of services, as Guix has them. It has all that
// `shepherd-ts` has; what is listed here takes the place of what is called the same there.

export * from "../daemon/api.js";
export { baseGroups, baseUserAccounts, rootAccount } from "./accounts/base.js";
export { serviceBackEdges } from "./composition/back-edges.js";
export {
  AmbiguousTargetServiceError,
  MissingTargetServiceError,
  MissingValueError,
  ModifyServicesError,
  ServiceTypeCycleError,
} from "./composition/errors.js";
export { extensionGraph } from "./composition/extension-graph.js";
export { type FoldOptions, foldServices } from "./composition/fold.js";
export { instantiateMissingServices } from "./composition/instantiate.js";
export { lookupServiceTypes, searchServiceTypes } from "./composition/lookup.js";
export { deleteService, type ModifyClause, modifyServices, updateService } from "./composition/modify.js";
export {
  type DefaultedRecordConstructor,
  type Given,
  type RecordConstructor,
  recordConstructor,
} from "./composition/record.js";
export {
  type AnyServiceType,
  type DefaultedServiceType,
  type ExtensibleServiceType,
  isService,
  isServiceExtension,
  isServiceType,
  removeServiceExtensions,
  type Service,
  type ServiceExtension,
  type ServiceType,
  type ServiceTypeOptions,
  service,
  serviceExtension,
  serviceExtensionCompute,
  serviceExtensionTarget,
  serviceKind,
  serviceType,
  serviceTypeCompose,
  serviceTypeDefaultValue,
  serviceTypeDescription,
  serviceTypeExtend,
  serviceTypeExtensions,
  serviceTypeName,
  serviceValue,
  simpleService,
} from "./composition/service-type.js";
export * from "./definitions.js";
export {
  type AccountContribution,
  accountServiceType,
  homeDirectoryOf,
  type Skeleton,
  type UserAccount,
  type UserGroup,
  userAccount,
  userGroup,
} from "./essential/account.js";
export {
  type ActivationSnippet,
  type ActivationStep,
  activationServiceType,
  type DirectoryStep,
  directoryStep,
  type FileStep,
  fileStep,
  type Ownership,
  type RemoveStep,
  type RunStep,
  removeStep,
  runStep,
  type SymlinkStep,
  symlinkStep,
} from "./essential/activation.js";
export { bootServiceType } from "./essential/boot.js";
export { cleanupServiceType } from "./essential/cleanup.js";
export { type EtcEntry, etcServiceType } from "./essential/etc.js";
export { fileSystemsServiceType, rootFileSystemServiceType } from "./essential/file-systems.js";
export { hostNameServiceType } from "./essential/host-name.js";
export { type Host, host, hostsServiceType, localHosts } from "./essential/hosts.js";
export {
  type LinuxBuilderConfiguration,
  type LoadableModule,
  linuxBuilderConfiguration,
  linuxBuilderServiceType,
  linuxLoadableModuleServiceType,
} from "./essential/linux-builder.js";
export {
  fileLikeToSetuidProgram,
  type PrivilegedProgram,
  privilegedProgram,
  privilegedProgramServiceType,
  setuidProgram,
  setuidProgramServiceType,
} from "./essential/privileged-programs.js";
export { profileServiceType } from "./essential/profile.js";
export { provenanceServiceType } from "./essential/provenance.js";
export {
  type ShepherdConfiguration,
  shepherdConfiguration,
  shepherdRootService,
  shepherdRootServiceType,
} from "./essential/shepherd-root.js";
export { extraSpecialFile, type SpecialFile, specialFilesServiceType } from "./essential/special-files.js";
export { type SystemEntry, systemServiceType } from "./essential/system.js";
export { userProcessesServiceType } from "./essential/user-processes.js";
export { fileUnion } from "./files/entries.js";
export {
  type FileAppend,
  type FileLike,
  fileAppend,
  filePath,
  filesDirectory,
  isFileLike,
  isSoftwarePackage,
  type LocalFile,
  localFile,
  type PlainFile,
  type PlainFileOptions,
  plainFile,
  type SoftwarePackage,
  softwarePackage,
} from "./files/file-like.js";
export * from "./files/packages.js";
export { hashOfTree, type Tree, type TreeEntry } from "./files/tree.js";
export { writeTree } from "./files/write-tree.js";
export * from "./guix/index.js";
export {
  type EssentialServices,
  isOperatingSystem,
  type OperatingSystem,
  type OperatingSystemOptions,
  operatingSystem,
  operatingSystemDefaultEssentialServices,
  operatingSystemEssentialServices,
  operatingSystemServices,
  operatingSystemUserServices,
} from "./operating-system.js";
export { Secret, secret } from "./secret.js";
export {
  type CommandWord,
  command,
  makeForkexecConstructor,
  makeInetdConstructor,
  makeSystemConstructor,
  makeSystemDestructor,
  makeSystemdConstructor,
  makeTimerConstructor,
  shepherdConfigurationAction,
} from "./shepherd/constructors.js";
export {
  assertValidGraph,
  ShepherdGraphError,
  shepherdGraph,
  shepherdServiceBackEdges,
  shepherdServiceLookupProcedure,
} from "./shepherd/graph.js";
export {
  canonicalName as shepherdServiceCanonicalName,
  isShepherdService,
  type ShepherdService,
  type ShepherdServiceFields,
  shepherdService,
  shepherdServiceFiles,
} from "./shepherd/service.js";
export { type ShepherdServiceTypeOptions, shepherdServiceType } from "./shepherd/service-type.js";
export { type ShepherdTimerOptions, shepherdTimer, shepherdTriggerAction } from "./shepherd/timer.js";
export { type ReconfigurationPlan, reconfigurationPlan, shepherdServiceUpgrade } from "./shepherd/upgrade.js";
export { operatingSystemShepherdServices, systemConfiguration } from "./system-configuration.js";
export { type CompiledModule, type SystemTreeOptions, systemTree } from "./system-directory.js";

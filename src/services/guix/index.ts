// The definitions of Guix's own services, as configurations import them.

export {
  type AgentAuthentication as GuixBuildCoordinatorAgentAuthentication,
  guixBuildCoordinatorAgentDynamicAuth,
  guixBuildCoordinatorAgentDynamicAuthWithFile,
  guixBuildCoordinatorAgentPasswordAuth,
  guixBuildCoordinatorAgentPasswordFileAuth,
} from "./agent-authentication.js";
export {
  type GuixBuildCoordinatorConfiguration,
  guixBuildCoordinatorConfiguration,
  guixBuildCoordinatorServiceType,
} from "./build-coordinator.js";
export {
  type GuixBuildCoordinatorAgentConfiguration,
  guixBuildCoordinatorAgentConfiguration,
  guixBuildCoordinatorAgentServiceType,
} from "./build-coordinator-agent.js";
export {
  type GuixBuildCoordinatorQueueBuildsConfiguration,
  guixBuildCoordinatorQueueBuildsConfiguration,
  guixBuildCoordinatorQueueBuildsServiceType,
} from "./build-coordinator-queue-builds.js";
export {
  type GuixDataServiceConfiguration,
  guixDataServiceConfiguration,
  guixDataServiceType,
} from "./data-service.js";
export {
  type GetmailConfiguration,
  type GetmailConfigurationFile,
  type GetmailDestinationConfiguration,
  type GetmailOptionsConfiguration,
  type GetmailParameters,
  type GetmailRetrieverConfiguration,
  type GetmailRetrieverGiven,
  type GetmailValue,
  getmailConfiguration,
  getmailConfigurationFile,
  getmailDestinationConfiguration,
  getmailOptionsConfiguration,
  getmailRcText,
  getmailRetrieverConfiguration,
  getmailServiceType,
} from "./getmail.js";
export {
  type GuixConfiguration,
  type GuixExtension,
  guixConfiguration,
  guixExtension,
  guixServiceType,
} from "./guix-daemon.js";

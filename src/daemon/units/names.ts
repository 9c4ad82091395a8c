// The service that a unit is, for those who know the unit's name and have to start it.

import { serviceNameOf } from "../../../systemd-compat/translate/service-names.js";

export { serviceNameOf };

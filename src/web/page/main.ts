// What a browser runs: which page it is says the body.

import { overview } from "./overview.js";
import { servicePage } from "./service.js";

const { page, service } = document.body.dataset;
if (page === "service" && service !== undefined) servicePage(service);
else overview();

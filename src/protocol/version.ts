// The version that the programs report; a test holds it equal to package.json's, which the bundles cannot read.
export const version = "0.1.0";

// Checks of the dependency graph. Iterative throughout: a chain of 10,000 services must not overflow the stack.

/** What the checks need to know of a service. */
export interface Node {
  readonly provision: readonly [string, ...string[]];
  readonly requirement: readonly string[];
}

/** A set of definitions that cannot be registered; the message prints the path. */
export class GraphError extends Error {
  override readonly name = "GraphError";
}

/**
 * Maps every provided name to its node. Throws `GraphError` where two nodes provide one name, a requirement is
 * provided by nobody at any depth, or services require each other in a circle.
 */
export function checkGraph<N extends Node>(nodes: Iterable<N>): Map<string, N> {
  const providers = new Map<string, N>();
  for (const node of nodes) {
    for (const name of new Set(node.provision)) {
      const other = providers.get(name);
      if (other !== undefined) {
        throw new GraphError(
          `"${name}" is provided twice: by service "${other.provision[0]}" and by service "${node.provision[0]}"`,
        );
      }
      providers.set(name, node);
    }
  }
  const done = new Set<N>();
  for (const node of new Set(providers.values())) walk(node, providers, done);
  return providers;
}

/** Depth-first from `root`, with the path from it on an explicit stack. */
function walk<N extends Node>(root: N, providers: ReadonlyMap<string, N>, done: Set<N>): void {
  if (done.has(root)) return;
  const path: { readonly node: N; next: number }[] = [{ node: root, next: 0 }];
  const onPath = new Set<N>([root]);
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const requirement = top.node.requirement[top.next++];
    if (requirement === undefined) {
      path.pop();
      onPath.delete(top.node);
      done.add(top.node);
      continue;
    }
    const provider = providers.get(requirement);
    const names = () => path.map((step) => step.node.provision[0]);
    if (provider === undefined) {
      throw new GraphError(
        `no service provides "${requirement}", which is required: ${[...names(), requirement].join(" -> ")}`,
      );
    }
    if (onPath.has(provider)) {
      const circle = names().slice(path.findIndex((step) => step.node === provider));
      throw new GraphError(
        `services require each other in a circle: ${[...circle, provider.provision[0]].join(" -> ")}`,
      );
    }
    if (!done.has(provider)) {
      path.push({ node: provider, next: 0 });
      onPath.add(provider);
    }
  }
}

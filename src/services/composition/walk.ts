// Walks through a directed graph. Iterative: a long chain must not overflow the stack.

export interface Walk<Node> {
  /** What was reached, each node after all those that it leads to; all of it unless there is a circle. */
  readonly order: readonly Node[];
  /** The first circle that was met: each node leads to the one that follows, and the last to the first. */
  readonly circle?: readonly Node[];
}

/** A node on the path, and where it leads to that was not looked at yet. */
interface Step<Node> {
  readonly node: Node;
  readonly rest: Iterator<Node, undefined>;
}

/** Walks from `roots`, in their order and depth first, along what `next` gives for each node. */
export function walk<Node>(roots: Iterable<Node>, next: (node: Node) => readonly Node[]): Walk<Node> {
  const order = new Set<Node>();
  for (const root of roots) {
    if (order.has(root)) continue;
    const path = [step(root, next)];
    const onPath = new Set([root]);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const { done, value } = top.rest.next();
      if (done === true) {
        path.pop();
        onPath.delete(top.node);
        order.add(top.node);
      } else if (onPath.has(value)) {
        const nodes = path.map(({ node }) => node);
        return { order: [...order], circle: nodes.slice(nodes.indexOf(value)) };
      } else if (!order.has(value)) {
        path.push(step(value, next));
        onPath.add(value);
      }
    }
  }
  return { order: [...order] };
}

function step<Node>(node: Node, next: (node: Node) => readonly Node[]): Step<Node> {
  return { node, rest: next(node).values() };
}

/** All that can be reached from `roots`, which come first, breadth first along what `next` gives for each node. */
export function reachable<Node>(
  roots: Iterable<Node>,
  next: (node: Node) => Iterable<Node>,
): ReadonlySet<Node> {
  const reached = new Set(roots);
  // A set gives what is added to it meanwhile, too.
  for (const node of reached) for (const other of next(node)) reached.add(other);
  return reached;
}

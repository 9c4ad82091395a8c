// An order in which services come after those they wait for, with circles cut at an edge that is about order alone.
// Iterative: a chain of 10,000 services must not overflow the stack.

/** That something waits for `to`. */
export interface Wait<T> {
  readonly to: T;
  /** Whether it is about order alone, and may be cut. */
  readonly soft: boolean;
}

/** A circle, and where it was cut. */
export interface Circle<T> {
  /** Each waits for the next, and the last for the first. */
  readonly path: readonly T[];
  /** The wait that does not hold: `from` does not wait for `to`. */
  readonly cut: { readonly from: T; readonly to: T };
  /** Whether there was none in it that is about order alone, so that another one was cut. */
  readonly hard: boolean;
}

/** One on the way from where the search began. */
interface Step<T> {
  readonly node: T;
  /** Those that hold. */
  readonly waits: Wait<T>[];
  /** How many of them were looked at. */
  next: number;
  /** Whether the wait that led here may be cut. */
  readonly soft: boolean;
}

/**
 * Orders `nodes`, and all that they wait for, each after what it waits for. Of a circle one soft wait is cut: the one that
 * closes it, if it is soft, or else the last one before that; where none is, the one that closes it.
 *
 * @param waitsOf what a node waits for; asked once of each node
 */
export function inOrder<T>(
  nodes: Iterable<T>,
  waitsOf: (node: T) => readonly Wait<T>[],
): { readonly order: readonly T[]; readonly circles: readonly Circle<T>[] } {
  const done = new Set<T>();
  const circles: Circle<T>[] = [];
  const known = new Map<T, Wait<T>[]>();
  const stepTo = ({ to: node, soft }: Wait<T>): Step<T> => {
    const waits = known.get(node) ?? withoutDoubles(waitsOf(node));
    known.set(node, waits);
    return { node, waits, next: 0, soft };
  };
  for (const root of nodes) {
    if (done.has(root)) continue;
    const path = [stepTo({ to: root, soft: false })];
    /** Where on the path a node is. */
    const places = new Map<T, number>([[root, 0]]);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const wait = top.waits[top.next++];
      if (wait === undefined) {
        path.pop();
        places.delete(top.node);
        done.add(top.node);
        known.delete(top.node);
        continue;
      }
      const place = places.get(wait.to);
      if (place !== undefined) {
        const { circle, holds } = cut(path, place, wait);
        circles.push(circle);
        // What came after the cut is looked at again, from elsewhere.
        for (const { node } of path.splice(holds)) places.delete(node);
      } else if (!done.has(wait.to)) {
        places.set(wait.to, path.length);
        path.push(stepTo(wait));
      }
    }
  }
  return { order: [...done], circles };
}

/** Cuts the circle that `closing` makes of the path from `place` on; `holds` is how much of the path there is then. */
function cut<T>(
  path: readonly Step<T>[],
  place: number,
  closing: Wait<T>,
): { readonly circle: Circle<T>; readonly holds: number } {
  const earlier = closing.soft ? -1 : path.findLastIndex(({ soft }, index) => index > place && soft);
  const hard = !closing.soft && earlier < 0;
  const holds = earlier < 0 ? path.length : earlier;
  const from = path[holds - 1] as Step<T>;
  // It is the wait that was looked at last.
  from.next -= 1;
  const [wait = closing] = from.waits.splice(from.next, 1);
  const nodes = path.slice(place).map(({ node }) => node);
  return { circle: { path: nodes, cut: { from: from.node, to: wait.to }, hard }, holds };
}

/** Who waits for the same twice does so for more than order if one of the two is. */
function withoutDoubles<T>(waits: readonly Wait<T>[]): Wait<T>[] {
  if (waits.length === 0) return [];
  const soft = new Map<T, boolean>();
  for (const wait of waits) soft.set(wait.to, wait.soft && (soft.get(wait.to) ?? true));
  return [...soft].map(([to, isSoft]) => ({ to, soft: isSoft }));
}

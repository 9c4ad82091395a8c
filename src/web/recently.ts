// One answer for all who ask at about the same time: however often that is, it is found out once in a while.

/** @param lasting how long, in ms, an answer is good */
export function recently<T>(find: () => Promise<T>, lasting: number): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => {
    if (answer !== undefined) return answer;
    const forget = (): void => {
      setTimeout(() => {
        answer = undefined;
      }, lasting).unref();
    };
    answer = find();
    answer.then(forget, forget);
    return answer;
  };
}

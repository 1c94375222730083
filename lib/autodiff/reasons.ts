/**
 * Why gradients do not pass operators of the default domain that give real numbers and have no rule: said in refusals and in
 * docs/operators.md. Control flow that is left in a graph is what resolveControlFlow could not decide.
 */
export const WHY_NO_RULE: Readonly<Record<string, string>> = {
  BitCast: 'it reads the bits of numbers as another type',
  If: 'the picture, or something else that is not known before a run, decides which branch it takes',
  Loop: 'the picture, or something else that is not known before a run, decides how often it repeats',
  MaxRoiPool: 'it rounds boxes to whole cells; RoiAlign has a rule',
  NegativeLogLikelihoodLoss: 'it is a loss of training; explain the scores that it reads',
  Optional: 'it may hold nothing',
  OptionalGetElement: 'it reads what may hold nothing',
  STFT: 'it reads signals, not pictures',
  Scan: 'the length of its sequence is not known before a run',
  SequenceAt: 'the length or the place of its sequence is not known before a run',
  SequenceMap: 'the length of its sequence is not known before a run',
  ConcatFromSequence: 'the length of its sequence is not known before a run',
  SequenceConstruct: 'its sequence is read by an operator that cannot be written out',
  SequenceEmpty: 'its sequence is read by an operator that cannot be written out',
  SequenceErase: 'its sequence is read by an operator that cannot be written out',
  SequenceInsert: 'its sequence is read by an operator that cannot be written out',
  SoftmaxCrossEntropyLoss: 'it is a loss of training; explain the scores that it reads',
  SplitToSequence: 'its sequence is read by an operator that cannot be written out',
  TensorScatter: 'it writes into the cache of a decoder',
  Unique: 'how many values it gives depends on the picture',
};

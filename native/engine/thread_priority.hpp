// Lets the event loop's thread go first where cores are short.
#pragma once

namespace onnx_cam {

/// Marks the calling thread, and every thread that it starts from now on, as one that computes, so that the event loop,
/// which runs for microseconds at a time, does not wait for a turn of a convolution: without it a timer fires several
/// milliseconds late as soon as a model uses every core. On Linux such a thread is SCHED_BATCH, whose wake-ups push no
/// running thread aside, at the process's own priority, and asks for turns longer than the usual ones: since
/// Linux 6.12 a thread that wakes up for a shorter turn is let in at once. (Its share of the core stays the same; older
/// kernels ignore the length.) Elsewhere it does nothing.
void yieldToEventLoop();

}  // namespace onnx_cam

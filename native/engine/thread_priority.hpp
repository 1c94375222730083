// Lets the event loop's thread go first where cores are short.
#pragma once

namespace onnx_cam {

/// Marks the calling thread, and every thread that it starts from now on, as one that computes: on Linux it is scheduled as
/// SCHED_BATCH, whose wake-ups push no running thread aside, and a little below the process's priority, so that the event
/// loop, which runs for microseconds at a time, does not wait for a whole time slice of a convolution. Without it a timer
/// fires several milliseconds late as soon as a model uses every core. Elsewhere it does nothing.
void yieldToEventLoop();

}  // namespace onnx_cam

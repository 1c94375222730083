// Changed copies of a model input, made one at a time into the slots of a batch.
#pragma once

#include <cstddef>
#include <memory>

namespace onnx_cam {

/// Writes variants; keeps scratch memory, so one per thread.
class VariantWriter {
 public:
  virtual ~VariantWriter() = default;
  virtual void write(std::size_t item, float* slot) = 0;
};

/// What there is to run. Shared by threads, unchanged once made.
class Variants {
 public:
  virtual ~Variants() = default;
  virtual std::size_t count() const = 0;
  /// Floats of one variant.
  virtual std::size_t size() const = 0;
  virtual std::unique_ptr<VariantWriter> writer() const = 0;
};

}  // namespace onnx_cam

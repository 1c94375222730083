// Changed copies of a model input, made one at a time into the slots of a batch.
#pragma once

#include <cstddef>
#include <memory>

namespace onnx_cam {

class Device;

/// Writes variants; keeps scratch memory, so one per thread.
class VariantWriter {
 public:
  virtual ~VariantWriter() = default;
  virtual void write(std::size_t item, float* slot) = 0;
};

/// Writes variants into a device's memory, by work that it queues there.
class BatchWriter {
 public:
  virtual ~BatchWriter() = default;
  /// Queues the writing of `count` items from `begin` on. No more than two batches are under way when it is called again:
  /// the caller has waited for the one before the last.
  virtual void write(std::size_t begin, std::size_t count, float* batch) = 0;
};

/// What there is to run. Shared by threads, unchanged once made.
class Variants {
 public:
  virtual ~Variants() = default;
  virtual std::size_t count() const = 0;
  /// Floats of one variant.
  virtual std::size_t size() const = 0;
  virtual std::unique_ptr<VariantWriter> writer() const = 0;
  /// For batches of up to `capacity` items: a GPU makes them where it can; else they are written on the CPU and copied.
  std::unique_ptr<BatchWriter> batchWriter(Device& device, std::size_t capacity) const;

 protected:
  /// Null where the GPU can't make them.
  virtual std::unique_ptr<BatchWriter> cudaWriter(Device&, std::size_t) const { return nullptr; }
};

}  // namespace onnx_cam

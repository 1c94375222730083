#include "device/device_features.hpp"

#include <vector>

#include "kernels/reduce/channel_means.hpp"

namespace onnx_cam {

namespace {

namespace cuda = kernels::cuda;
using kernels::Shape;

#ifdef ONNX_CAM_CUDA

/// Queues `work(result)` and waits for its `count` values.
template <class T, class Work>
void fetch(Device& device, std::size_t count, T* out, Work work) {
  const DeviceArray<T> result(device, count);
  // Made first: nothing may fail between the copy to `out` and the wait for it.
  const auto mark = device.makeMark();
  work(result.data());
  device.download(result.data(), count * sizeof(T), out);
  mark->set();
  mark->wait();
}

/// Operands as the kernels take them; weights are copied to the device.
struct CudaOperands {
  DeviceArray<float> weights;
  cuda::DeviceFeatures activations;
  cuda::DeviceGradients factors;

  CudaOperands(Device& device, const DeviceOperands& operands) {
    const auto& [a, g, onCpu, count] = operands;
    if (onCpu) weights = copyToDevice(device, g.data, count);
    activations = {a.data, cuda::Element::float32, a.imageStep};
    factors = {onCpu ? weights.data() : g.data, cuda::Element::float32, g.imageStep, g.lazy};
  }
};

void run(int error) { checkCuda(error, "a reduction failed"); }

void principalComponentOnCuda(Device& device, const CudaOperands& operands, bool centre, kernels::SignRule sign,
                              Shape shape, float* out) {
  const std::size_t channels = shape.channels, positions = shape.positions;
  const bool byPosition = positions <= channels;
  const std::size_t columns = byPosition ? positions : channels;
  const DeviceArray<float> rows(device, channels * positions);
  for (std::size_t n = 0; n < shape.images; n++) {
    const auto* image = static_cast<const float*>(operands.activations.data) + n * operands.activations.imageStep;
    cuda::DeviceGradients factors = operands.factors;
    if (factors.data != nullptr) factors.data = static_cast<const float*>(factors.data) + n * factors.imageStep;
    std::vector<double> gram(columns * columns), strength(positions);
    fetch(device, gram.size(), gram.data(), [&](double* result) {
      run(cuda::channelRows(image, cuda::Element::float32, factors, centre, channels, positions, rows.data(),
                            device.stream()));
      run(cuda::gramMatrix(rows.data(), channels, positions, byPosition, result, device.stream()));
    });
    const auto project = [&](const std::vector<double>& direction, double* map) {
      const auto weights = copyToDevice(device, direction.data(), direction.size());
      fetch(device, positions, map, [&](double* result) {
        run(cuda::combineRows(rows.data(), cuda::Element::float32, channels, positions, weights.data(), result,
                              device.stream()));
      });
    };
    fetch(device, positions, strength.data(), [&](double* result) {
      run(cuda::combineRows(image, cuda::Element::float32, channels, positions, nullptr, result, device.stream()));
    });
    kernels::principalMap(gram, columns, positions, byPosition, project, sign, strength, out + n * positions);
  }
}

#endif

}  // namespace

void channelMeansOn(Device& device, const float* features, Shape shape, float* out) {
  const Device::Turn turn(device);
#ifdef ONNX_CAM_CUDA
  if (device.runsCuda()) {
    return fetch(device, shape.images * shape.channels, out, [&](float* result) {
      run(cuda::channelMeans(features, cuda::Element::float32, shape, result, device.stream()));
    });
  }
#endif
  kernels::channelMeans(features, shape, out);
}

void channelSumOn(Device& device, kernels::Term term, const DeviceOperands& operands, Shape shape, float* out) {
  const Device::Turn turn(device);
#ifdef ONNX_CAM_CUDA
  if (device.runsCuda()) {
    const CudaOperands own(device, operands);
    return fetch(device, shape.images * shape.positions, out, [&](float* result) {
      run(cuda::channelSum(term, own.activations, own.factors, shape, result, device.stream()));
    });
  }
#endif
  kernels::channelSum(term, operands.activations, operands.factors, shape, out);
}

void plusPlusWeightsOn(Device& device, kernels::PlusPlusMode mode, const DeviceOperands& operands, Shape shape,
                       float* out) {
  const Device::Turn turn(device);
#ifdef ONNX_CAM_CUDA
  if (device.runsCuda()) {
    const CudaOperands own(device, operands);
    return fetch(device, shape.images * shape.channels, out, [&](float* result) {
      run(cuda::gradCamPlusPlusWeights(mode, own.activations, own.factors, shape, result, device.stream()));
    });
  }
#endif
  kernels::gradCamPlusPlusWeights(mode, operands.activations, operands.factors, shape, out);
}

void xgradWeightsOn(Device& device, double epsilon, bool guard, const DeviceOperands& operands, Shape shape,
                    float* out) {
  const Device::Turn turn(device);
#ifdef ONNX_CAM_CUDA
  if (device.runsCuda()) {
    const CudaOperands own(device, operands);
    return fetch(device, shape.images * shape.channels, out, [&](float* result) {
      run(cuda::xgradCamWeights(epsilon, guard, own.activations, own.factors, shape, result, device.stream()));
    });
  }
#endif
  kernels::xgradCamWeights(epsilon, guard, operands.activations, operands.factors, shape, out);
}

void principalComponentOn(Device& device, const DeviceOperands& operands, bool centre, kernels::SignRule sign,
                          Shape shape, float* out) {
  const Device::Turn turn(device);
#ifdef ONNX_CAM_CUDA
  if (device.runsCuda()) {
    return principalComponentOnCuda(device, CudaOperands(device, operands), centre, sign, shape, out);
  }
#endif
  kernels::principalComponent(operands.activations, operands.factors, centre, sign, shape, out);
}

}  // namespace onnx_cam

// RUN: frit-opt %s --frit-simplify | FileCheck %s

// While something is left to differentiate, stop_gradient is not nothing.
// CHECK: frit.stop_gradient
func.func @entry(%w: tensor<f32>) -> tensor<f32> {
  %0 = frit.stop_gradient %w : (tensor<f32>) -> tensor<f32>
  %1 = frit.mul %w, %0 : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %2 = frit.gradient %1 by %w : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %2 : tensor<f32>
}

// RUN: frit-opt %s --frit-simplify --frit-differentiate --frit-simplify | FileCheck %s

// What a forward loop saves for the backward loop: results 1 and up.

!h = tensor<8x4xf32, #frit.axes<b, k>>
!r = tensor<8xf32, #frit.axes<b>>
!w = tensor<4x4xf32, #frit.axes<k, m>>
!ws = tensor<3x4x4xf32, #frit.axes<layer, k, m>>

// h + tanh(exp(h W)): the backward pass needs exp, tanh and the input of the contraction. tanh is
// made again from exp; exp is not made again from h W, which takes as many bytes.
// CHECK-LABEL: @elementwise_is_made_again
// CHECK: frit.scan(%arg0) slices(%arg1) {
// CHECK: %[[E:.*]] = frit.exp
// CHECK: frit.yield %{{[0-9]*}}, %[[E]], %{{arg[0-9]*}} :
// CHECK: frit.tape = array<i64: 1, 2>
// CHECK: frit.scan
// CHECK-NOT: frit.exp
// CHECK: frit.tanh
func.func @elementwise_is_made_again(%x: !h, %w: !ws) -> !ws {
  %h = frit.scan(%x) slices(%w) {
  ^bb0(%i: tensor<i32>, %c: !h, %s: !w):
    %u = frit.contract %c, %s {over = #frit.axes<k>} : (!h, !w) -> tensor<8x4xf32, #frit.axes<b, m>>
    %e = frit.exp %u : (tensor<8x4xf32, #frit.axes<b, m>>) -> tensor<8x4xf32, #frit.axes<b, m>>
    %t = frit.tanh %e : (tensor<8x4xf32, #frit.axes<b, m>>) -> tensor<8x4xf32, #frit.axes<b, m>>
    %r = frit.rename %t {from = "m", to = "k"} : (tensor<8x4xf32, #frit.axes<b, m>>) -> !h
    %n = frit.add %c, %r : (!h, !h) -> !h
    frit.yield %n : !h
  } {axis = "layer", size = 3 : i64, kind = "layers"} : (!h, !ws) -> !h
  %l = frit.sum %h {over = #frit.axes<b, k>} : (!h) -> tensor<f32>
  %g = frit.gradient %l by %w : (tensor<f32>, !ws) -> !ws
  return %g : !ws
}

// A norm without its mean: h / sqrt(sum h^2), times a gain. Of the row only the sum is saved, the
// rest is made again from h.
// CHECK-LABEL: @norm
// CHECK: frit.scan(%arg0) slices(%arg1) {
// CHECK: %[[S:.*]] = frit.sum
// CHECK: frit.tape = array<i64: 1, 2>
// CHECK-SAME: -> (tensor<8x4xf32, #frit.axes<b, k>>, tensor<3x8x4xf32, #frit.axes<layer, b, k>>, tensor<3x8xf32, #frit.axes<layer, b>>)
func.func @norm(%x: !h, %w: tensor<3x4xf32, #frit.axes<layer, k>>) -> tensor<3x4xf32, #frit.axes<layer, k>> {
  %h = frit.scan(%x) slices(%w) {
  ^bb0(%i: tensor<i32>, %c: !h, %s: tensor<4xf32, #frit.axes<k>>):
    %q = frit.mul %c, %c : (!h, !h) -> !h
    %a = frit.sum %q {over = #frit.axes<k>} : (!h) -> !r
    %d = frit.rsqrt %a : (!r) -> !r
    %y = frit.mul %c, %d : (!h, !r) -> !h
    %z = frit.mul %y, %s : (!h, tensor<4xf32, #frit.axes<k>>) -> !h
    frit.yield %z : !h
  } {axis = "layer", size = 3 : i64, kind = "layers"} : (!h, tensor<3x4xf32, #frit.axes<layer, k>>) -> !h
  %l = frit.sum %h {over = #frit.axes<b, k>} : (!h) -> tensor<f32>
  %g = frit.gradient %l by %w : (tensor<f32>, tensor<3x4xf32, #frit.axes<layer, k>>) -> tensor<3x4xf32, #frit.axes<layer, k>>
  return %g : tensor<3x4xf32, #frit.axes<layer, k>>
}

// The body has the axis of the loop itself: it is saved under another name.
// CHECK-LABEL: @axis_of_the_loop
// CHECK: frit.rename {{.*}} {from = "layer", to = "layer.saved"}
// CHECK: frit.tape = array<i64: 1>
// CHECK: frit.rename {{.*}} {from = "layer.saved", to = "layer"}
func.func @axis_of_the_loop(%x: !ws) -> !ws {
  %h = frit.scan(%x) slices() {
  ^bb0(%i: tensor<i32>, %c: !ws):
    %n = frit.exp %c : (!ws) -> !ws
    frit.yield %n : !ws
  } {axis = "layer", size = 3 : i64, kind = "layers"} : (!ws) -> !ws
  %l = frit.sum %h {over = #frit.axes<layer, k, m>} : (!ws) -> tensor<f32>
  %g = frit.gradient %l by %x : (tensor<f32>, !ws) -> !ws
  return %g : !ws
}

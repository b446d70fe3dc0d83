// RUN: frit-opt %s --frit-differentiate --mlir-print-debuginfo | FileCheck %s

// What Differentiate makes: the backward ops of what lies on a real path, the tape of a loop and the
// loop the other way. That the numbers are right is the business of differentiate.cpp.

!w = tensor<4xf32, #frit.axes<k>>
!x = tensor<3x4xf32, #frit.axes<b, k>>
!ws = tensor<6x4xf32, #frit.axes<layer, k>>
!ids = tensor<3xi32, #frit.axes<b>>

// The cotangent of the objective is one; that of a product goes to the factor that depends on w,
// summed over the axis that w lacks. Nothing is made for x.
// CHECK-LABEL: @product
// CHECK-DAG: %[[ONE:.*]] = frit.constant {{.*}}value = 1.0
// CHECK: %[[Y:.*]] = frit.broadcast %[[ONE]]
// CHECK: %[[W:.*]] = frit.mul %[[Y]], %arg0
// CHECK-NOT: frit.mul
// CHECK: %[[DW:.*]] = frit.sum %[[W]] {over = #frit.axes<b>}
// CHECK: return %[[DW]]
func.func @product(%x: !x, %w: !w) -> !w {
  %y = frit.mul %x, %w : (!x, !w) -> !x
  %l = frit.sum %y {over = #frit.axes<b, k>} : (!x) -> tensor<f32>
  %g = frit.gradient %l by %w : (tensor<f32>, !w) -> !w
  return %g : !w
}

// A value used twice has the sum of both cotangents.
// CHECK-LABEL: @used_twice
// CHECK: frit.broadcast
// CHECK: %[[A:.*]] = frit.mul
// CHECK: %[[B:.*]] = frit.mul
// CHECK: %[[SUM:.*]] = frit.add %[[A]], %[[B]]
// CHECK: return %[[SUM]]
func.func @used_twice(%w: !w) -> !w {
  %y = frit.mul %w, %w : (!w, !w) -> !w
  %l = frit.sum %y {over = #frit.axes<k>} : (!w) -> tensor<f32>
  %g = frit.gradient %l by %w : (tensor<f32>, !w) -> !w
  return %g : !w
}

// A backward op has the place of its forward op; its layer path begins with d/.
// CHECK-LABEL: @places
// CHECK: frit.exp {{.*}} loc([[FORWARD:#.*]])
// CHECK: frit.mul {{.*}} loc([[BACKWARD:#.*]])
func.func @places(%w: !w) -> !w {
  %y = frit.exp %w : (!w) -> !w loc("blocks.mlp"("a.frit":7:3))
  %l = frit.sum %y {over = #frit.axes<k>} : (!w) -> tensor<f32>
  %g = frit.gradient %l by %w : (tensor<f32>, !w) -> !w
  return %g : !w
}

// What stop_gradient passes on counts as a constant: no cotangent for exp.
// CHECK-LABEL: @stopped
// CHECK: frit.exp
// CHECK: frit.stop_gradient
// CHECK-NOT: frit.exp
// CHECK: return
func.func @stopped(%w: !w) -> !w {
  %e = frit.exp %w : (!w) -> !w
  %s = frit.stop_gradient %e : (!w) -> !w
  %y = frit.mul %w, %s : (!w, !w) -> !w
  %l = frit.sum %y {over = #frit.axes<k>} : (!w) -> tensor<f32>
  %g = frit.gradient %l by %w : (tensor<f32>, !w) -> !w
  return %g : !w
}

// The slope is used as it is given.
// CHECK-LABEL: @given_slope
// CHECK: %[[S:.*]] = frit.cos
// CHECK: frit.mul %{{.*}}, %[[S]]
// CHECK-NOT: frit.sin
func.func @given_slope(%w: !w) -> !w {
  %h = frit.stop_gradient %w : (!w) -> !w
  %s = frit.cos %h : (!w) -> !w
  %y = frit.with_slope %h, %w, %s : (!w, !w, !w) -> !w
  %l = frit.sum %y {over = #frit.axes<k>} : (!w) -> tensor<f32>
  %g = frit.gradient %l by %w : (tensor<f32>, !w) -> !w
  return %g : !w
}

// A loop over layers: the forward loop also stacks the carried value, which the backward loop
// slices; it runs the other way, carries the cotangent and stacks those of the slices. The mask is
// made of positions, so it is made again and not saved.
// CHECK-LABEL: @layers
// CHECK: %[[F:.*]]:2 = frit.scan(%arg0) slices(%arg1) {
// CHECK: frit.yield %{{.*}}, %{{.*}} : tensor<3x4xf32, #frit.axes<b, k>>, tensor<3x4xf32, #frit.axes<b, k>>
// CHECK: {axis = "layer", frit.tape = array<i64: 1>, kind = "layers", size = 6 : i64}
// CHECK-DAG: frit.constant {{.*}}value = 1.0
// CHECK: %[[B:.*]]:2 = frit.scan(%{{.*}}) slices(%arg1, %[[F]]#1) {
// CHECK: frit.ge
// CHECK: {axis = "layer", kind = "layers", reverse, size = 6 : i64}
// CHECK: return %[[B]]#1
func.func @layers(%x: !x, %w: !ws) -> !ws {
  %h = frit.scan(%x) slices(%w) {
  ^bb0(%i: tensor<i32>, %c: !x, %s: !w):
    %b = frit.index {axes = #frit.axes<b>} : () -> !ids
    %k = frit.index {axes = #frit.axes<k>} : () -> tensor<4xi32, #frit.axes<k>>
    %m = frit.ge %b, %k : (!ids, tensor<4xi32, #frit.axes<k>>) -> tensor<3x4xi1, #frit.axes<b, k>>
    %y = frit.mul %c, %s : (!x, !w) -> !x
    %n = frit.select %m, %y, %c : (tensor<3x4xi1, #frit.axes<b, k>>, !x, !x) -> !x
    frit.yield %n : !x
  } {axis = "layer", size = 6 : i64, kind = "layers"} : (!x, !ws) -> !x
  %l = frit.sum %h {over = #frit.axes<b, k>} : (!x) -> tensor<f32>
  %g = frit.gradient %l by %w : (tensor<f32>, !ws) -> !ws
  return %g : !ws
}

// A value of the surroundings that the body uses: its cotangent is summed in a carried value.
// CHECK-LABEL: @captured
// CHECK: frit.scan(%arg0) slices()
// CHECK: %[[B:.*]]:2 = frit.scan(%{{.*}}, %{{.*}}) slices(%{{.*}}) {
// CHECK-NEXT: ^bb0(%{{.*}}: tensor<i32>{{.*}}, %{{.*}}: {{.*}}, %[[SUM:.*]]: tensor<4xf32, #frit.axes<k>>{{.*}}, %{{.*}}):
// CHECK: frit.add %[[SUM]]
// CHECK: return %[[B]]#1
func.func @captured(%x: !x, %w: !w) -> !w {
  %h = frit.scan(%x) slices() {
  ^bb0(%i: tensor<i32>, %c: !x):
    %y = frit.mul %c, %w : (!x, !w) -> !x
    frit.yield %y : !x
  } {axis = "layer", size = 6 : i64, kind = "layers"} : (!x) -> !x
  %l = frit.sum %h {over = #frit.axes<b, k>} : (!x) -> tensor<f32>
  %g = frit.gradient %l by %w : (tensor<f32>, !w) -> !w
  return %g : !w
}

// CHECK: [[PLACE:#.*]] = loc("a.frit":7:3)
// CHECK-DAG: [[FORWARD]] = loc("blocks.mlp"([[PLACE]]))
// CHECK-DAG: [[BACKWARD]] = loc("d/blocks.mlp"([[PLACE]]))

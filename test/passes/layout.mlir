// RUN: frit-opt %s --frit-layout | FileCheck %s

// Layout writes the order of axes into types. Each case says what decides.

!x = tensor<4x16x8xf32, #frit.axes<b, t, d>>
!w = tensor<8x2x4xf32, #frit.axes<d, h, e>>
!o = tensor<2x4x8xf32, #frit.axes<h, e, d>>
!q = tensor<4x16x2x4xf32, #frit.axes<b, t, h, e>>
!k = tensor<4x16x2x4xf32, #frit.axes<b, s, h, e>>
!p = tensor<4x2x16x16xf32, #frit.axes<b, h, t, s>>

// What a later contraction sums over stands together, so that it reads whole rows of its operand.
// CHECK-LABEL: @heads_before_the_output_projection
// CHECK: frit.contract %arg0, %arg1 {{.*}} -> tensor<4x16x2x4xf32, #frit.axes<b, t, h, e>>
func.func @heads_before_the_output_projection(%p: !p, %v: !k, %w: !o) -> !x {
  %y = frit.contract %p, %v {over = #frit.axes<s>} : (!p, !k) -> tensor<4x2x16x4xf32, #frit.axes<b, h, t, e>>
  %z = frit.contract %y, %w {over = #frit.axes<h, e>} : (tensor<4x2x16x4xf32, #frit.axes<b, h, t, e>>, !o) -> !x
  return %z : !x
}

// A softmax wants its axis innermost, whatever the contraction before it was written as.
// CHECK-LABEL: @softmax_axis_innermost
// CHECK: frit.contract {{.*}} -> tensor<4x2x16x16xf32, #frit.axes<b, h, t, s>>
// CHECK: frit.softmax {{.*}} -> tensor<4x2x16x16xf32, #frit.axes<b, h, t, s>>
func.func @softmax_axis_innermost(%q: !q, %k: !k) -> !p {
  %y = frit.contract %k, %q {over = #frit.axes<e>} : (!k, !q) -> tensor<4x2x16x16xf32, #frit.axes<b, h, s, t>>
  %z = frit.softmax %y {over = #frit.axes<s>} : (tensor<4x2x16x16xf32, #frit.axes<b, h, s, t>>) -> !p
  return %z : !p
}

// Logits stay rows over the vocabulary: one element of each is gathered, which no order helps.
// CHECK-LABEL: @logits
// CHECK: frit.contract {{.*}} -> tensor<4x16x99xf32, #frit.axes<b, t, v>>
func.func @logits(%x: !x, %e: tensor<99x8xf32, #frit.axes<v, d>>, %ids: tensor<4x16xi32, #frit.axes<b, t>>) -> tensor<4x16xf32, #frit.axes<b, t>> {
  %l = frit.contract %x, %e {over = #frit.axes<d>} : (!x, tensor<99x8xf32, #frit.axes<v, d>>) -> tensor<4x16x99xf32, #frit.axes<b, t, v>>
  %s = frit.logsumexp %l {over = #frit.axes<v>} : (tensor<4x16x99xf32, #frit.axes<b, t, v>>) -> tensor<4x16xf32, #frit.axes<b, t>>
  %h = frit.gather %l, %ids {axes = #frit.axes<v>} : (tensor<4x16x99xf32, #frit.axes<b, t, v>>, tensor<4x16xi32, #frit.axes<b, t>>) -> tensor<4x16xf32, #frit.axes<b, t>>
  %d = frit.sub %s, %h : (tensor<4x16xf32, #frit.axes<b, t>>, tensor<4x16xf32, #frit.axes<b, t>>) -> tensor<4x16xf32, #frit.axes<b, t>>
  return %d : tensor<4x16xf32, #frit.axes<b, t>>
}

// A gradient lies like the weight it will change, seen through the optimiser's arithmetic.
// CHECK-LABEL: @gradient_lies_like_its_weight
// CHECK: frit.contract {{.*}} -> tensor<8x2x4xf32, #frit.axes<d, h, e>>
// CHECK-NOT: frit.broadcast
func.func @gradient_lies_like_its_weight(%g: !q, %x: !x, %w: !w) -> !w {
  %dw = frit.contract %g, %x {over = #frit.axes<b, t>} : (!q, !x) -> tensor<2x4x8xf32, #frit.axes<h, e, d>>
  %n = frit.neg %dw : (tensor<2x4x8xf32, #frit.axes<h, e, d>>) -> tensor<2x4x8xf32, #frit.axes<h, e, d>>
  %u = frit.add %n, %w : (tensor<2x4x8xf32, #frit.axes<h, e, d>>, !w) -> !w
  return %u : !w
}

// An entry's result is a file format: if its producer cannot lie so, a copy does.
// CHECK-LABEL: @results_keep_their_order
// CHECK: %[[Y:.*]] = frit.exp %arg0 : {{.*}} -> tensor<3x5xf32, #frit.axes<a, b>>
// CHECK: %[[Z:.*]] = frit.broadcast %[[Y]] {axes = #frit.axes<b, a>} : {{.*}} -> tensor<5x3xf32, #frit.axes<b, a>>
// CHECK: return %[[Z]]
func.func @results_keep_their_order(%x: tensor<3x5xf32, #frit.axes<a, b>>) -> tensor<5x3xf32, #frit.axes<b, a>> {
  %y = frit.exp %x : (tensor<3x5xf32, #frit.axes<a, b>>) -> tensor<5x3xf32, #frit.axes<b, a>>
  return %y : tensor<5x3xf32, #frit.axes<b, a>>
}

// A slice of a loop is a view: the axis of the loop comes first. Stacks have it first as well.
// CHECK-LABEL: @loop_axis_first
// CHECK: %[[X:.*]] = frit.broadcast %arg0 {axes = #frit.axes<t, b>}
// CHECK: frit.scan(%arg1) slices(%[[X]])
// CHECK: ^bb0(%{{.*}}: tensor<i32>, %{{.*}}: tensor<3xf32, #frit.axes<b>>, %{{.*}}: tensor<3xf32, #frit.axes<b>>)
// CHECK: tensor<6x3xf32, #frit.axes<t, b>>
func.func @loop_axis_first(%x: tensor<3x6xf32, #frit.axes<b, t>>, %h: tensor<3xf32, #frit.axes<b>>) -> tensor<6x3xf32, #frit.axes<t, b>> {
  %r:2 = frit.scan(%h) slices(%x) {
  ^bb0(%i: tensor<i32>, %c: tensor<3xf32, #frit.axes<b>>, %s: tensor<3xf32, #frit.axes<b>>):
    %n = frit.add %c, %s : (tensor<3xf32, #frit.axes<b>>, tensor<3xf32, #frit.axes<b>>) -> tensor<3xf32, #frit.axes<b>>
    frit.yield %n, %n : tensor<3xf32, #frit.axes<b>>, tensor<3xf32, #frit.axes<b>>
  } {axis = "t", size = 6 : i64, kind = "time", operandSegmentSizes = array<i32: 1, 1>} : (tensor<3xf32, #frit.axes<b>>, tensor<3x6xf32, #frit.axes<b, t>>) -> (tensor<3xf32, #frit.axes<b>>, tensor<6x3xf32, #frit.axes<t, b>>)
  return %r#1 : tensor<6x3xf32, #frit.axes<t, b>>
}

// A merge is a view: its group is brought together first, in the order written.
// CHECK-LABEL: @merged_group_together
// CHECK: %[[X:.*]] = frit.broadcast %arg0 {axes = #frit.axes<h, e, t>}
// CHECK: frit.merge %[[X]] {{.*}} -> tensor<8x5xf32, #frit.axes<d, t>>
func.func @merged_group_together(%x: tensor<2x5x4xf32, #frit.axes<h, t, e>>) -> tensor<8x5xf32, #frit.axes<d, t>> {
  %y = frit.merge %x {axes = #frit.axes<h, e>, into = "d"} : (tensor<2x5x4xf32, #frit.axes<h, t, e>>) -> tensor<8x5xf32, #frit.axes<d, t>>
  return %y : tensor<8x5xf32, #frit.axes<d, t>>
}

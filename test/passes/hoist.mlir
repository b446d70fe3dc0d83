// RUN: frit-opt %s --frit-hoist --remark-format=emitRemark --remarks-filter="Hoist.*" 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK < %t

!h = tensor<2x4xf32, #frit.axes<b, k>>
!w = tensor<4x4xf32, #frit.axes<k, m>>
!y = tensor<2x4xf32, #frit.axes<b, m>>
!x = tensor<2x6x4xf32, #frit.axes<b, t, k>>
!ty = tensor<6x2x4xf32, #frit.axes<t, b, m>>
!th = tensor<6x2x4xf32, #frit.axes<t, b, k>>

// What does not depend on the iteration stands before the loop, also for layers; a mask made of
// positions costs nothing where it is.
// CHECK-LABEL: @invariant
// CHECK: %[[E:.*]] = frit.exp %arg1
// CHECK: frit.scan
// CHECK: frit.index
// CHECK: frit.ge
// CHECK-NOT: frit.exp
// CHECK: return
func.func @invariant(%x: !h, %w: tensor<4xf32, #frit.axes<k>>) -> !h {
  %r = frit.scan(%x) slices() {
  ^bb0(%i: tensor<i32>, %c: !h):
    %e = frit.exp %w : (tensor<4xf32, #frit.axes<k>>) -> tensor<4xf32, #frit.axes<k>>
    %b = frit.index {axes = #frit.axes<b>} : () -> tensor<2xi32, #frit.axes<b>>
    %k = frit.index {axes = #frit.axes<k>} : () -> tensor<4xi32, #frit.axes<k>>
    %m = frit.ge %b, %k : (tensor<2xi32, #frit.axes<b>>, tensor<4xi32, #frit.axes<k>>) -> tensor<2x4xi1, #frit.axes<b, k>>
    %y = frit.mul %c, %e : (!h, tensor<4xf32, #frit.axes<k>>) -> !h
    %s = frit.select %m, %y, %c : (tensor<2x4xi1, #frit.axes<b, k>>, !h, !h) -> !h
    frit.yield %s : !h
  } {axis = "layer", size = 3 : i64, kind = "layers"} : (!h) -> !h
  return %r : !h
}

// A contraction of the slice with an invariant matrix: once, for all steps.
// CHECK-LABEL: @contract_before
// CHECK: %[[ALL:.*]] = frit.contract %arg1, %arg2 {over = #frit.axes<k>}
// CHECK-SAME: -> tensor<2x6x4xf32, #frit.axes<b, t, m>>
// CHECK: frit.scan(%arg0) slices(%arg1, %[[ALL]]) {
// CHECK-NEXT: ^bb0({{.*}}, %[[Y:[a-z0-9]*]]: tensor<2x4xf32, #frit.axes<b, m>>):
// CHECK-NEXT: frit.mul %{{.*}}, %[[Y]]
func.func @contract_before(%h: !y, %x: !x, %w: !w) -> !y {
  %r = frit.scan(%h) slices(%x) {
  ^bb0(%i: tensor<i32>, %c: !y, %s: !h):
    %p = frit.contract %s, %w {over = #frit.axes<k>} : (!h, !w) -> !y
    %n = frit.mul %c, %p : (!y, !y) -> !y
    frit.yield %n : !y
  } {axis = "t", size = 6 : i64, kind = "time"} : (!y, !x) -> !y
  return %r : !y
}

// An accumulator of contractions: both sides are stacked, one contraction over t too.
// CHECK-LABEL: @accumulate_after
// CHECK: %[[S:.*]]:2 = frit.scan(%arg0) slices(%arg1) {
// CHECK-NOT: frit.contract
// CHECK: } {axis = "t"
// CHECK: %[[C:.*]] = frit.contract %arg1, %[[S]]#1 {over = #frit.axes<b, t>}
// CHECK: %[[A:.*]] = frit.add %arg2, %[[C]]
// CHECK: return %[[S]]#0, %[[A]]
func.func @accumulate_after(%h: !y, %x: !x, %w: !w) -> (!y, !w) {
  %r:2 = frit.scan(%h, %w) slices(%x) {
  ^bb0(%i: tensor<i32>, %c: !y, %acc: !w, %s: !h):
    %n = frit.tanh %c : (!y) -> !y
    %p = frit.contract %s, %n {over = #frit.axes<b>} : (!h, !y) -> !w
    %a = frit.add %acc, %p : (!w, !w) -> !w
    frit.yield %n, %a : !y, !w
  } {axis = "t", size = 6 : i64, kind = "time"} : (!y, !w, !x) -> (!y, !w)
  return %r#0, %r#1 : !y, !w
}

// The sum of what is stacked anyway follows it; what has no stack stays in the loop.
// CHECK-LABEL: @sums_after
// CHECK: %[[S:.*]]:3 = frit.scan(%arg0, %arg1) slices() {
// CHECK: } {axis = "t"
// CHECK: %[[SUM:.*]] = frit.sum %[[S]]#2 {over = #frit.axes<t, b>}
// CHECK: frit.add %arg2, %[[SUM]]
func.func @sums_after(%h: !y, %f: !y, %w: tensor<4xf32, #frit.axes<m>>) -> (!y, !y, tensor<4xf32, #frit.axes<m>>, !ty) {
  %r:4 = frit.scan(%h, %f, %w) slices() {
  ^bb0(%i: tensor<i32>, %c: !y, %d: !y, %acc: tensor<4xf32, #frit.axes<m>>):
    %n = frit.tanh %c : (!y) -> !y
    %e = frit.exp %c : (!y) -> !y
    %g = frit.add %d, %e : (!y, !y) -> !y
    %p = frit.sum %n {over = #frit.axes<b>} : (!y) -> tensor<4xf32, #frit.axes<m>>
    %a = frit.add %acc, %p : (tensor<4xf32, #frit.axes<m>>, tensor<4xf32, #frit.axes<m>>) -> tensor<4xf32, #frit.axes<m>>
    frit.yield %n, %g, %a, %n : !y, !y, tensor<4xf32, #frit.axes<m>>, !y
  } {axis = "t", size = 6 : i64, kind = "time"} : (!y, !y, tensor<4xf32, #frit.axes<m>>) -> (!y, !y, tensor<4xf32, #frit.axes<m>>, !ty)
  return %r#0, %r#1, %r#2, %r#3 : !y, !y, tensor<4xf32, #frit.axes<m>>, !ty
}

// What is accumulated under another name: the sum gets the name after the loop. The plain sum comes
// first in the loop, but follows the stack that the contraction makes.
// CHECK-LABEL: @names_after
// CHECK: %[[S:.*]]:2 = frit.scan(%arg0) slices(%arg1) {
// CHECK: } {axis = "t"
// CHECK-DAG: %[[C:.*]] = frit.contract %arg1, %[[S]]#1 {over = #frit.axes<b, t>}
// CHECK-DAG: frit.rename %[[C]] {from = "m", to = "out"}
// CHECK-DAG: %[[B:.*]] = frit.sum %[[S]]#1 {over = #frit.axes<t, b>}
// CHECK-DAG: frit.rename %[[B]] {from = "m", to = "out"}
// CHECK: return
func.func @names_after(%h: !y, %x: !x, %o: tensor<4xf32, #frit.axes<out>>, %w: tensor<4x4xf32, #frit.axes<k, out>>) -> (tensor<4xf32, #frit.axes<out>>, tensor<4x4xf32, #frit.axes<k, out>>, !y) {
  %r:3 = frit.scan(%o, %w, %h) slices(%x) {
  ^bb0(%i: tensor<i32>, %offset: tensor<4xf32, #frit.axes<out>>, %weight: tensor<4x4xf32, #frit.axes<k, out>>, %c: !y, %s: !h):
    %n = frit.tanh %c : (!y) -> !y
    %b = frit.sum %n {over = #frit.axes<b>} : (!y) -> tensor<4xf32, #frit.axes<m>>
    %bo = frit.rename %b {from = "m", to = "out"} : (tensor<4xf32, #frit.axes<m>>) -> tensor<4xf32, #frit.axes<out>>
    %a = frit.add %offset, %bo : (tensor<4xf32, #frit.axes<out>>, tensor<4xf32, #frit.axes<out>>) -> tensor<4xf32, #frit.axes<out>>
    %p = frit.contract %s, %n {over = #frit.axes<b>} : (!h, !y) -> !w
    %po = frit.rename %p {from = "m", to = "out"} : (!w) -> tensor<4x4xf32, #frit.axes<k, out>>
    %q = frit.add %weight, %po : (tensor<4x4xf32, #frit.axes<k, out>>, tensor<4x4xf32, #frit.axes<k, out>>) -> tensor<4x4xf32, #frit.axes<k, out>>
    frit.yield %a, %q, %n : tensor<4xf32, #frit.axes<out>>, tensor<4x4xf32, #frit.axes<k, out>>, !y
  } {axis = "t", size = 6 : i64, kind = "time"} : (tensor<4xf32, #frit.axes<out>>, tensor<4x4xf32, #frit.axes<k, out>>, !y, !x) -> (tensor<4xf32, #frit.axes<out>>, tensor<4x4xf32, #frit.axes<k, out>>, !y)
  return %r#0, %r#1, %r#2 : tensor<4xf32, #frit.axes<out>>, tensor<4x4xf32, #frit.axes<k, out>>, !y
}

// A stack of contractions with invariant matrices: their other sides are stacked instead.
// CHECK-LABEL: @stack_after
// CHECK: %[[S:.*]]:3 = frit.scan(%arg0) slices() {
// CHECK-NOT: frit.contract
// CHECK: } {axis = "t"
// CHECK-DAG: %[[P:.*]] = frit.contract %[[S]]#1, %arg1 {over = #frit.axes<k>}
// CHECK-DAG: %[[Q:.*]] = frit.contract %[[S]]#2, %arg2 {over = #frit.axes<k>}
// CHECK: frit.add %[[P]], %[[Q]]
func.func @stack_after(%h: !h, %w: !w, %u: !w) -> (!h, !ty) {
  %r:2 = frit.scan(%h) slices() {
  ^bb0(%i: tensor<i32>, %c: !h):
    %n = frit.tanh %c : (!h) -> !h
    %e = frit.exp %c : (!h) -> !h
    %p = frit.contract %n, %w {over = #frit.axes<k>} : (!h, !w) -> !y
    %q = frit.contract %e, %u {over = #frit.axes<k>} : (!h, !w) -> !y
    %s = frit.add %p, %q : (!y, !y) -> !y
    frit.yield %n, %s : !h, !y
  } {axis = "t", size = 6 : i64, kind = "time"} : (!h) -> (!h, !ty)
  return %r#0, %r#1 : !h, !ty
}

// In a loop over layers contractions and accumulators stay.
// CHECK-LABEL: @keeps_layers
// CHECK: frit.scan(%arg0, %arg2) slices(%arg1) {
// CHECK: frit.contract
// CHECK: frit.contract
// CHECK: } {axis = "t"
// CHECK-NOT: frit.contract
// CHECK: return
func.func @keeps_layers(%h: !y, %x: !x, %w: !w, %u: !w) -> (!y, !w) {
  %r:2 = frit.scan(%h, %w) slices(%x) {
  ^bb0(%i: tensor<i32>, %c: !y, %acc: !w, %s: !h):
    %n = frit.contract %s, %u {over = #frit.axes<k>} : (!h, !w) -> !y
    %p = frit.contract %s, %n {over = #frit.axes<b>} : (!h, !y) -> !w
    %a = frit.add %acc, %p : (!w, !w) -> !w
    frit.yield %n, %a : !y, !w
  } {axis = "t", size = 6 : i64, kind = "layers"} : (!y, !w, !x) -> (!y, !w)
  return %r#0, %r#1 : !y, !w
}

// An accumulator that the body also reads is no sum to take out.
// CHECK-LABEL: @keeps_accumulator_that_is_read
// CHECK: frit.scan(%arg0, %arg2)
// CHECK: frit.contract
// CHECK: } {axis = "t"
func.func @keeps_accumulator_that_is_read(%h: !y, %x: !x, %w: !w) -> (!y, !w) {
  %r:2 = frit.scan(%h, %w) slices(%x) {
  ^bb0(%i: tensor<i32>, %c: !y, %acc: !w, %s: !h):
    %n = frit.contract %s, %acc {over = #frit.axes<k>} : (!h, !w) -> !y
    %p = frit.contract %s, %n {over = #frit.axes<b>} : (!h, !y) -> !w
    %a = frit.add %acc, %p : (!w, !w) -> !w
    frit.yield %n, %a : !y, !w
  } {axis = "t", size = 6 : i64, kind = "time"} : (!y, !w, !x) -> (!y, !w)
  return %r#0, %r#1 : !y, !w
}

// The matrix has an axis of the loop's name: before the loop that name would mean two things.
// REMARK: remark: [{{.*}}] axis-clash{{.*}}Hoist
// CHECK-LABEL: @keeps_axis_clash
// CHECK: frit.scan
// CHECK: frit.contract
func.func @keeps_axis_clash(%h: !h, %x: !x, %w: tensor<4x6xf32, #frit.axes<k, t>>) -> !h {
  %r = frit.scan(%h) slices(%x) {
  ^bb0(%i: tensor<i32>, %c: !h, %s: !h):
    %p = frit.contract %s, %w {over = #frit.axes<k>} : (!h, tensor<4x6xf32, #frit.axes<k, t>>) -> tensor<2x6xf32, #frit.axes<b, t>>
    %q = frit.sum %p {over = #frit.axes<t>} : (tensor<2x6xf32, #frit.axes<b, t>>) -> tensor<2xf32, #frit.axes<b>>
    %n = frit.add %c, %q : (!h, tensor<2xf32, #frit.axes<b>>) -> !h
    frit.yield %n : !h
  } {axis = "t", size = 6 : i64, kind = "time"} : (!h, !x) -> !h
  return %r : !h
}

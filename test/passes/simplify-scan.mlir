// RUN: frit-opt %s --frit-simplify | FileCheck %s

// What a loop carries, slices or stacks for nothing goes.

!a = tensor<3xf32, #frit.axes<a>>
!ta = tensor<5x3xf32, #frit.axes<t, a>>

// The second carried value feeds only itself, its slice nothing else, and nobody reads the stack.
// CHECK-LABEL: @dead_carry_slice_stack
// CHECK: frit.scan(%arg0) slices() {
// CHECK-NEXT: ^bb0(%{{.*}}: tensor<i32>, %{{[^,]*}}: tensor<3xf32, #frit.axes<a>>):
// CHECK-NEXT: frit.exp
// CHECK-NEXT: frit.yield
func.func @dead_carry_slice_stack(%x: !a, %s: !ta) -> !a {
  %h:3 = frit.scan(%x, %x) slices(%s) {
  ^bb0(%i: tensor<i32>, %c: !a, %d: !a, %z: !a):
    %0 = frit.exp %c : (!a) -> !a
    %1 = frit.mul %d, %z : (!a, !a) -> !a
    frit.yield %0, %1, %1 : !a, !a, !a
  } {axis = "t", size = 5 : i64, kind = "time"} : (!a, !a, !ta) -> (!a, !a, !ta)
  return %h#0 : !a
}

// Carried values that need each other stay, if one of them is read.
// CHECK-LABEL: @keeps_what_feeds_a_result
// CHECK: frit.scan(%arg0, %arg1)
func.func @keeps_what_feeds_a_result(%x: !a, %y: !a) -> !a {
  %h:2 = frit.scan(%x, %y) slices() {
  ^bb0(%i: tensor<i32>, %c: !a, %d: !a):
    %0 = frit.exp %d : (!a) -> !a
    %1 = frit.sin %c : (!a) -> !a
    frit.yield %0, %1 : !a, !a
  } {axis = "t", size = 5 : i64, kind = "time"} : (!a, !a) -> (!a, !a)
  return %h#0 : !a
}

// A value carried on as it is, is a value of the surroundings.
// CHECK-LABEL: @invariant_carry
// CHECK: frit.scan(%arg0) slices() {
// CHECK: frit.mul %{{.*}}, %arg1
// CHECK: return %{{.*}}, %arg1
func.func @invariant_carry(%x: !a, %w: !a) -> (!a, !a) {
  %h:2 = frit.scan(%x, %w) slices() {
  ^bb0(%i: tensor<i32>, %c: !a, %d: !a):
    %0 = frit.mul %c, %d : (!a, !a) -> !a
    frit.yield %0, %d : !a, !a
  } {axis = "t", size = 5 : i64, kind = "time"} : (!a, !a) -> (!a, !a)
  return %h#0, %h#1 : !a, !a
}

// The same slice twice is one; the same stack twice too; a stack of a slice is what was sliced; a
// stack of a value from outside is a broadcast.
// CHECK-LABEL: @equal_slices_and_stacks
// CHECK: %[[B:.*]] = frit.broadcast %arg0 {{.*}} -> tensor<5x3xf32, #frit.axes<t, a>>
// CHECK: %[[H:.*]]:2 = frit.scan(%arg0) slices(%arg1) {
// CHECK: return %[[H]]#0, %[[H]]#1, %[[H]]#1, %arg1, %[[B]]
func.func @equal_slices_and_stacks(%x: !a, %s: !ta) -> (!a, !ta, !ta, !ta, !ta) {
  %h:5 = frit.scan(%x) slices(%s, %s) {
  ^bb0(%i: tensor<i32>, %c: !a, %y: !a, %z: !a):
    %0 = frit.mul %y, %z : (!a, !a) -> !a
    %1 = frit.add %c, %0 : (!a, !a) -> !a
    frit.yield %1, %0, %0, %z, %x : !a, !a, !a, !a, !a
  } {axis = "t", size = 5 : i64, kind = "time"} : (!a, !ta, !ta) -> (!a, !ta, !ta, !ta, !ta)
  return %h#0, %h#1, %h#2, %h#3, %h#4 : !a, !ta, !ta, !ta, !ta
}

// A slice of what is the same all along.
// CHECK-LABEL: @slice_of_broadcast
// CHECK-NEXT: frit.scan(%arg0) slices() {
// CHECK: frit.mul %{{.*}}, %arg1
func.func @slice_of_broadcast(%x: !a, %w: !a) -> !a {
  %s = frit.broadcast %w {axes = #frit.axes<t, a>} : (!a) -> !ta
  %h = frit.scan(%x) slices(%s) {
  ^bb0(%i: tensor<i32>, %c: !a, %z: !a):
    %0 = frit.mul %c, %z : (!a, !a) -> !a
    frit.yield %0 : !a
  } {axis = "t", size = 5 : i64, kind = "time"} : (!a, !ta) -> !a
  return %h : !a
}

// The list of tape results follows when results go.
// CHECK-LABEL: @tape_follows
// CHECK: frit.tape = array<i64: 1>
func.func @tape_follows(%x: !a) -> (!a, !ta) {
  %h:3 = frit.scan(%x) slices() {
  ^bb0(%i: tensor<i32>, %c: !a):
    %0 = frit.exp %c : (!a) -> !a
    %1 = frit.sin %c : (!a) -> !a
    frit.yield %0, %1, %0 : !a, !a, !a
  } {axis = "t", size = 5 : i64, kind = "layers", frit.tape = array<i64: 2>} : (!a) -> (!a, !ta, !ta)
  return %h#0, %h#2 : !a, !ta
}

// A loop nobody needs.
// CHECK-LABEL: @dead_loop
// CHECK-NEXT: return %arg0
func.func @dead_loop(%x: !a) -> !a {
  %h = frit.scan(%x) slices() {
  ^bb0(%i: tensor<i32>, %c: !a):
    %0 = frit.exp %c : (!a) -> !a
    frit.yield %0 : !a
  } {axis = "t", size = 5 : i64, kind = "time"} : (!a) -> !a
  return %x : !a
}

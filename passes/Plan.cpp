#include "passes/Plan.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace frit;

int64_t frit::bytesOfElement(Type element) {
  return element.isInteger(1) ? 1 : element.getIntOrFloatBitWidth() / 8;
}

int64_t frit::bytesOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.getNumElements() * bytesOfElement(tensor.getElementType());
}

/// Adds what remains of the terms to the interval of bytes: every position that a loop may take.
static std::pair<int64_t, int64_t> extent(const Place &place, ArrayRef<LoopTerm> terms) {
  int64_t begin = place.offset, end = place.offset + place.bytes;
  for (const LoopTerm &term : terms)
    end +=
        term.stride * (term.kind == LoopTerm::Position ? cast<ScanOp>(term.loop).getSize() - 1 : 1);
  return {begin, end};
}

bool frit::overlap(const Place &a, const Place &b) {
  if (a.bytes == 0 || b.bytes == 0)
    return false;
  // Terms in common move both places alike.
  SmallVector<LoopTerm, 2> left(a.terms), right;
  for (const LoopTerm &term : b.terms) {
    auto *same = llvm::find(left, term);
    if (same != left.end())
      left.erase(same);
    else
      right.push_back(term);
  }
  // Two buffers that swap roles: look at both phases of the loop.
  for (LoopTerm &term : left) {
    if (term.kind == LoopTerm::Position)
      continue;
    for (int64_t phase : {0, 1}) {
      auto fix = [&](Place place, ArrayRef<LoopTerm> terms) {
        place.terms.clear();
        for (const LoopTerm &t : terms) {
          if (t.loop != term.loop || t.kind == LoopTerm::Position)
            place.terms.push_back(t);
          else
            place.offset += t.stride * (t.kind == LoopTerm::Parity ? phase : 1 - phase);
        }
        return place;
      };
      if (overlap(fix(a, left), fix(b, right)))
        return true;
    }
    return false;
  }
  auto [beginA, endA] = extent(a, left);
  auto [beginB, endB] = extent(b, right);
  return beginA < endB && beginB < endA;
}

Place Plan::placeOf(Value value) const {
  auto found = places.find(value);
  assert(found != places.end() && "a value without a place");
  return found->second;
}

ArrayRef<PlannedCopy> Plan::copies(Operation *op, When when) const {
  auto found = copyTable.find({op, when});
  return found == copyTable.end() ? ArrayRef<PlannedCopy>() : ArrayRef(found->second);
}

void Plan::forgetOps() {
  places.clear();
  outputs.clear();
  views.clear();
  copyTable.clear();
  sharedWorkspaces.clear();
  watchWords.clear();
  watchesOfOutputs.clear();
}

std::optional<Place> Plan::sharedWorkspaceOf(Operation *op) const {
  auto found = sharedWorkspaces.find(op);
  return found == sharedWorkspaces.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Place> Plan::watchesAt(Operation *op) const {
  auto found = watchWords.find(op);
  return found == watchWords.end() ? std::nullopt : std::optional(found->second);
}

const char *frit::nameOf(MemoryClass memory) {
  static const char *const names[] = {"parameters", "slots", "state",       "scalars",   "inputs",
                                      "outputs",    "tape",  "activations", "workspace", "watches"};
  return names[int(memory)];
}

/// What `part` says about each piece of a location, once each.
static std::string collect(Location location, function_ref<std::string(Location piece)> part) {
  std::vector<std::string> parts;
  location->walk([&](Location piece) {
    std::string text = part(piece);
    if (!text.empty() && !llvm::is_contained(parts, text))
      parts.push_back(text);
    return WalkResult::advance();
  });
  return llvm::join(parts, ", ");
}

std::string frit::layerOf(Location location) {
  return collect(location, [](Location piece) {
    auto name = dyn_cast<NameLoc>(piece);
    return name ? name.getName().str() : "";
  });
}

std::string frit::sourceOf(Location location) {
  return collect(location, [](Location piece) {
    auto file = dyn_cast<FileLineColLoc>(piece);
    return file ? file.getFilename().str() + ":" + std::to_string(file.getLine()) : "";
  });
}

std::string frit::positionOf(Location location) {
  std::string text;
  location->walk([&](Location piece) {
    auto file = dyn_cast<FileLineColLoc>(piece);
    if (!file)
      return WalkResult::advance();
    text = file.getFilename().str() + ":" + std::to_string(file.getLine()) + ":" +
           std::to_string(file.getColumn());
    return WalkResult::interrupt();
  });
  return text;
}

static std::string textOf(const Place &place) {
  std::string text = std::to_string(place.offset);
  for (const LoopTerm &term : place.terms) {
    auto scan = cast<ScanOp>(term.loop);
    const char *factor = term.kind == LoopTerm::Position ? ""
                         : term.kind == LoopTerm::Parity ? " parity"
                                                         : " next parity";
    text += " + " + scan.getAxis().str() + factor + " * " + std::to_string(term.stride);
  }
  return text;
}

void frit::annotatePlan(ModuleOp module, const Plan &plan) {
  Builder b(module.getContext());
  module->setAttr("frit.arena", b.getI64IntegerAttr(plan.arena));
  module->setAttr("frit.thread_workspace", b.getI64IntegerAttr(plan.threadWorkspace));
  for (StateOp state : module.getOps<StateOp>())
    state->setAttr("frit.at", b.getStringAttr(textOf(plan.placeOfState(state.getSymName()))));
  for (func::FuncOp entry : module.getOps<func::FuncOp>()) {
    if (!entry->hasAttr("frit.entry"))
      continue;
    for (BlockArgument argument : entry.getArguments())
      entry.setArgAttr(argument.getArgNumber(), "frit.at",
                       b.getStringAttr(textOf(plan.placeOf(argument))));
    for (unsigned i = 0; i < entry.getNumResults(); ++i)
      entry.setResultAttr(i, "frit.at", b.getStringAttr(textOf(plan.placeOfOutput(entry, i))));
    entry.walk([&](Operation *op) {
      SmallVector<mlir::Attribute> places;
      for (Value result : op->getResults())
        if (plan.places.contains(result))
          places.push_back(b.getStringAttr(textOf(plan.placeOf(result))));
      if (!places.empty())
        op->setAttr("frit.at", b.getArrayAttr(places));
    });
  }
}

#include "codegen/Describe.h"
#include <nlohmann/json.hpp>

using namespace mlir;
using Json = nlohmann::json;

namespace frit {

static Json shapeOf(ArrayRef<Axis> axes) {
  Json shape = Json::array();
  for (const Axis &axis : axes)
    shape.push_back(axis.size);
  return shape;
}

static Json field(const std::string &name, const ValueType &type, int64_t offset) {
  Json axes = Json::array();
  for (const Axis &axis : type.axes)
    axes.push_back(axis.name);
  return {{"name", name},
          {"element", frit::name(type.element)},
          {"shape", shapeOf(type.axes)},
          {"axes", axes},
          {"offset", offset}};
}

/// A state with the canonical tensors that lie in it: one per position of the stacking axes.
static Json describeState(StateOp state, int64_t offset) {
  ValueType type = toValueType(cast<RankedTensorType>(state.getType()));
  Json json = field(state.getSymName().str(), type, offset);
  json["role"] = state.getRole().str();
  if (ArrayAttr names = state.getTensorsAttr()) {
    ArrayRef<Axis> rest = ArrayRef(type.axes).drop_front(state.getStacked());
    ValueType slice{type.element, {rest.begin(), rest.end()}};
    int64_t bytes = bytesOf(toTensorType(state.getContext(), slice));
    json["tensors"] = Json::array();
    for (auto [i, name] : llvm::enumerate(names))
      json["tensors"].push_back({{"name", cast<StringAttr>(name).str()},
                                 {"shape", shapeOf(rest)},
                                 {"offset", int64_t(i) * bytes}});
  }
  return json;
}

static Json describeScalar(StateOp state, int64_t offset) {
  ValueType type = toValueType(cast<RankedTensorType>(state.getType()));
  Json json = {{"name", state.getSymName().str()},
               {"element", frit::name(type.element)},
               {"offset", offset},
               {"default", state.getInitialAttr().getValueAsDouble()}};
  if (state.getFlag())
    json["flag"] = state.getFlag()->str();
  if (state.getHelp())
    json["help"] = state.getHelp()->str();
  return json;
}

static Json describeEntry(func::FuncOp entry, const Plan &plan) {
  Json inputs = Json::array(), outputs = Json::array();
  for (BlockArgument argument : entry.getArguments()) {
    unsigned i = argument.getArgNumber();
    auto name = entry.getArgAttrOfType<StringAttr>(i, "frit.name");
    Json input = field(name ? name.str() : "input" + std::to_string(i), typeOf(argument),
                       plan.placeOf(argument).offset);
    if (auto limit = entry.getArgAttrOfType<IntegerAttr>(i, "frit.limit"))
      input["limit"] = limit.getInt();
    if (entry.getArgAttr(i, "frit.whole"))
      input["whole"] = true;
    inputs.push_back(input);
  }
  for (unsigned i = 0; i < entry.getNumResults(); ++i) {
    auto name = entry.getResultAttrOfType<StringAttr>(i, "frit.name");
    outputs.push_back(field(name ? name.str() : "output" + std::to_string(i),
                            toValueType(cast<RankedTensorType>(entry.getResultTypes()[i])),
                            plan.placeOfOutput(entry, i).offset));
    if (auto watches = plan.watchesOfOutputs.find(entry); watches != plan.watchesOfOutputs.end())
      outputs.back()["watches"] = watches->second[i];
  }
  return {{"inputs", inputs}, {"outputs", outputs}};
}

std::string describe(ModuleOp program, const Plan &plan) {
  Json json = Json::object();
  if (auto metadata = program->getAttrOfType<StringAttr>("frit.metadata"))
    json = Json::parse(metadata.str());
  json["format"] = 1;
  if (!json.contains("program"))
    json["program"] = "program";
  json["arena"] = plan.arena;
  json["workspace"] = plan.threadWorkspace;
  json["state"] = Json::array();
  json["scalars"] = Json::array();
  for (StateOp state : program.getOps<StateOp>()) {
    int64_t offset = plan.placeOfState(state.getSymName()).offset;
    if (state.getRole() == "scalar")
      json["scalars"].push_back(describeScalar(state, offset));
    else
      json["state"].push_back(describeState(state, offset));
  }
  json["watches"] = Json::array();
  for (const PlacedWatch &watch : plan.watches)
    json["watches"].push_back({{"kind", nameOf(watch.kind)},
                               {"offset", watch.offset},
                               {"at", watch.at},
                               {"op", watch.op},
                               {"layer", watch.layer},
                               {"axis", watch.axis},
                               {"size", watch.size},
                               {"from", watch.from}});
  json["entries"] = Json::object();
  for (func::FuncOp entry : program.getOps<func::FuncOp>())
    if (entry->hasAttr("frit.entry"))
      json["entries"][entry.getName().str()] = describeEntry(entry, plan);
  return json.dump();
}

} // namespace frit

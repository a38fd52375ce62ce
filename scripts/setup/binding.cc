// The binding of @tensorflow/tfjs-node 4.22.0 with one call more:
//
//   defineFunction(name, graphDef, "in0,in1", "out0:0,out1:0")
//
// registers a serialised GraphDef as a function of the eager context. Afterwards executeOp(name, ...) runs the whole
// graph as one operation, on tensors that stay on their device. compileStep (src/backend/compile) is built on it.
//
// The package's sources are included unchanged. Only two of their names are redirected: the context that the backend
// keeps private is made visible, and the module is registered below, after the extra call was added.

#include <node_api.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/eager/c_api.h"

#define private public
#include "tfjs_backend.h"
#undef private

#undef NAPI_MODULE
#define NAPI_MODULE(name, init)
#include "tfjs_backend.cc"
#include "tfjs_binding.cc"

namespace posttrain {

using tfnodejs::TF_AutoStatus;

/** "a:0,b:1" → the operations of a graph that produce these tensors; an unknown name gives a null operation. */
std::vector<TF_Output> ParseOutputs(TF_Graph *graph, const std::string &names) {
  std::vector<TF_Output> outputs;
  for (size_t start = 0; start < names.size();) {
    size_t end = names.find(',', start);
    if (end == std::string::npos) end = names.size();
    const std::string name = names.substr(start, end - start);
    const size_t colon = name.find(':');
    const int index = colon == std::string::npos ? 0 : std::atoi(name.c_str() + colon + 1);
    outputs.push_back({TF_GraphOperationByName(graph, name.substr(0, colon).c_str()), index});
    start = end + 1;
  }
  return outputs;
}

/** Imports the graph and registers it; the reason why it could not is left in `status`. */
void Define(TFE_Context *context, const std::string &name, const void *bytes, size_t length,
            const std::string &input_names, const std::string &output_names, TF_Status *status) {
  std::unique_ptr<TF_Graph, decltype(&TF_DeleteGraph)> graph(TF_NewGraph(), TF_DeleteGraph);
  std::unique_ptr<TF_Buffer, decltype(&TF_DeleteBuffer)> buffer(TF_NewBufferFromString(bytes, length),
                                                               TF_DeleteBuffer);
  std::unique_ptr<TF_ImportGraphDefOptions, decltype(&TF_DeleteImportGraphDefOptions)> options(
      TF_NewImportGraphDefOptions(), TF_DeleteImportGraphDefOptions);
  TF_GraphImportGraphDef(graph.get(), buffer.get(), options.get(), status);
  if (TF_GetCode(status) != TF_OK) return;

  const auto inputs = ParseOutputs(graph.get(), input_names);
  const auto outputs = ParseOutputs(graph.get(), output_names);
  for (const auto &endpoints : {inputs, outputs}) {
    for (const TF_Output &endpoint : endpoints) {
      if (endpoint.oper == nullptr) {
        TF_SetStatus(status, TF_INVALID_ARGUMENT, "an input or output names no operation of the graph");
        return;
      }
    }
  }
  std::unique_ptr<TF_Function, decltype(&TF_DeleteFunction)> function(
      TF_GraphToFunction(graph.get(), name.c_str(), /*append_hash_to_fn_name=*/0, /*num_opers=*/-1, nullptr,
                         static_cast<int>(inputs.size()), inputs.data(), static_cast<int>(outputs.size()),
                         outputs.data(), nullptr, nullptr, "", status),
      TF_DeleteFunction);
  if (TF_GetCode(status) == TF_OK) TFE_ContextAddFunction(context, function.get(), status);
}

std::string StringArgument(napi_env env, napi_value value) {
  size_t length = 0;
  napi_get_value_string_utf8(env, value, nullptr, 0, &length);
  std::string text(length, '\0');
  napi_get_value_string_utf8(env, value, text.data(), length + 1, &length);
  return text;
}

napi_value DefineFunction(napi_env env, napi_callback_info info) {
  size_t count = 4;
  napi_value args[4];
  napi_value self;
  napi_get_cb_info(env, info, &count, args, &self, nullptr);
  void *bytes = nullptr;
  size_t length = 0;
  if (count != 4 || napi_get_buffer_info(env, args[1], &bytes, &length) != napi_ok) {
    napi_throw_type_error(env, nullptr, "defineFunction takes (name, graphDef: Buffer, inputs, outputs)");
    return nullptr;
  }
  tfnodejs::TFJSBackend *backend = tfnodejs::GetTFJSBackend(env);
  if (backend == nullptr) return nullptr;
  TF_AutoStatus status;
  Define(backend->tfe_context_, StringArgument(env, args[0]), bytes, length, StringArgument(env, args[2]),
         StringArgument(env, args[3]), status.status);
  if (TF_GetCode(status.status) != TF_OK) {
    napi_throw_error(env, nullptr, (std::string("defineFunction: ") + TF_Message(status.status)).c_str());
  }
  return self;
}

/** Frees a function that compileStep has dropped from its cache. */
napi_value RemoveFunction(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value args[1];
  napi_value self;
  napi_get_cb_info(env, info, &count, args, &self, nullptr);
  tfnodejs::TFJSBackend *backend = tfnodejs::GetTFJSBackend(env);
  if (backend == nullptr || count != 1) return nullptr;
  TF_AutoStatus status;
  TFE_ContextRemoveFunction(backend->tfe_context_, StringArgument(env, args[0]).c_str(), status.status);
  if (TF_GetCode(status.status) != TF_OK) {
    napi_throw_error(env, nullptr, (std::string("removeFunction: ") + TF_Message(status.status)).c_str());
  }
  return self;
}

}  // namespace posttrain

NAPI_MODULE_INIT() {
  exports = tfnodejs::InitTFNodeJSBinding(env, exports);
  napi_property_descriptor calls[] = {
      {"defineFunction", nullptr, posttrain::DefineFunction, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"removeFunction", nullptr, posttrain::RemoveFunction, nullptr, nullptr, nullptr, napi_default, nullptr},
  };
  napi_define_properties(env, exports, 2, calls);
  return exports;
}

// SPDX-License-Identifier: MIT
// libjsonrpccpp: what it makes of the JSON-RPC bridge at the URL given.
#include <iostream>

#include <jsonrpccpp/client.h>
#include <jsonrpccpp/client/connectors/httpclient.h>

static Json::Value list(std::initializer_list<Json::Value> values) {
    Json::Value params(Json::arrayValue);
    for (const Json::Value &value : values)
        params.append(value);
    return params;
}

int main(int, char **argv) {
    jsonrpc::HttpClient http(argv[1]);
    jsonrpc::Client client(http, jsonrpc::JSONRPC_CLIENT_V2), old(http, jsonrpc::JSONRPC_CLIENT_V1);
    Json::Value coded;
    coded["base64"] = "AP+A";

    std::cout << client.CallMethod("hello", list({"big", "world"})).asString() << std::endl;
    const Json::Value decoded = client.CallMethod("first", list({coded}));
    std::cout << (decoded == coded ? "00ff80" : decoded.toStyledString()) << std::endl;
    try {
        client.CallMethod("nosuch", list({}));
    } catch (jsonrpc::JsonRpcException &error) {
        std::cout << error.GetCode() << std::endl;
    }
    std::cout << client.CallMethod("echo", list({1, true, 1.5, Json::Value(), "é"})).asString()
              << std::endl;
    jsonrpc::BatchCall batch;
    int one = batch.addCall("hello", list({"one"})), two = batch.addCall("hello", list({"two"}));
    batch.addCall("hello", list({"notified"}), true);
    jsonrpc::BatchResponse answers = client.CallProcedures(batch);
    std::cout << answers.getResult(one).asString() << " " << answers.getResult(two).asString()
              << std::endl
              << old.CallMethod("hello", list({"1.0"})).asString() << std::endl;
}

// SPDX-License-Identifier: MIT
/* Turns a function of Gson's values into a typed one; rpc-json in uWSGI's configuration. */
import com.google.gson.*;
import java.util.*;

public class Typed {
    private static final Gson GSON = new GsonBuilder().serializeNulls().create();
    public interface Function { Object call(JsonElement... params) throws Exception; }

    /* What a caller is told: a code, a message, and data if it is not null. */
    public static class Failure extends RuntimeException {
        final String text;
        public Failure(int code, String message, Object data) {
            text = "error " + code + " " + String.valueOf(message).replaceAll("\\s+", " ")
                + (data == null ? "" : "\n" + GSON.toJson(data));
        }
    }

    /* The parameters in their order, or null when they are not these. */
    private static JsonElement[] inOrder(JsonElement given, String... names) {
        if (given.isJsonArray())
            return given.getAsJsonArray().size() != names.length ? null : GSON.fromJson(given, JsonElement[].class);
        var object = given.getAsJsonObject();
        return !object.keySet().equals(Set.of(names)) ? null
            : Arrays.stream(names).map(object::get).toArray(JsonElement[]::new);
    }

    public static void register(String name, Function function, String... names) {
        uwsgi.register_rpc(name, args -> {
            try {
                JsonElement[] params = inOrder(JsonParser.parseString(args[0]), names);
                if (params == null)
                    throw new Failure(-32602, name + " takes: " + String.join(" ", names), null);
                return GSON.toJson(function.call(params));
            } catch (Exception e) {
                return (e instanceof Failure ? (Failure) e : new Failure(-32000, e.getMessage(), null)).text;
            }
        });
    }
}

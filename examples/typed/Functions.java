// SPDX-License-Identifier: MIT
/* Typed functions in Java. */
import com.google.gson.JsonElement;
import java.math.BigDecimal;
import java.util.Map;

public class Functions {
    private static Object user(JsonElement id) {
        if (id.getAsInt() != 1)
            throw new Typed.Failure(404, "no such user", Map.of("id", id));
        return Map.of("id", id, "name", "Zo\u00eb");
    }

    private static BigDecimal total(JsonElement items) {
        BigDecimal total = BigDecimal.ZERO;
        for (JsonElement element : items.getAsJsonArray()) {
            var item = element.getAsJsonObject();
            total = total.add(item.get("price").getAsBigDecimal().multiply(item.get("count").getAsBigDecimal()));
        }
        return total;
    }

    static {
        Typed.register("add", args -> args[0].getAsBigDecimal().add(args[1].getAsBigDecimal()), "x", "y");
        Typed.register("user", args -> user(args[0]), "id");
        Typed.register("echo", args -> args[0], "value");
        Typed.register("total", args -> total(args[0]), "items");
        Typed.register("boom", args -> { throw new IllegalStateException("boom"); });
        // Not JSON, whatever rpc-json says of it.
        uwsgi.register_rpc("text", args -> "text");
    }
}

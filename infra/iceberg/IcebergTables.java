// Iceberg's own REST catalog, and its library behind a few words on standard input: writes tables with deletes by position and by
// equality, for tests. Each line is answered by one that begins with OK or ERROR.
//
//   create NAME PARQUET|AVRO      k string, n long, at timestamptz, in format version 2
//   append NAME FROM TO           rows [FROM, TO), of the key k(n % 7), a second apart from 2020 on
//   change NAME N,.. K,.. N,.. N,..  one commit: rows deleted by n, by k, by position, and added as 'new' (- for none)
//   compact NAME                  all rows into one file, without the deleted ones
//   rows NAME                     what the library reads: n:k,..
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DeleteFile;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.RewriteFiles;
import org.apache.iceberg.RowDelta;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.GenericAppenderFactory;
import org.apache.iceberg.data.GenericRecord;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.deletes.PositionDelete;
import org.apache.iceberg.encryption.EncryptedFiles;
import org.apache.iceberg.encryption.EncryptedOutputFile;
import org.apache.iceberg.encryption.EncryptionKeyMetadata;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.rest.RESTCatalog;
import org.apache.iceberg.rest.RESTCatalogServer;
import org.apache.iceberg.types.Types;

public class IcebergTables {
  static final Schema SCHEMA =
      new Schema(
          Types.NestedField.optional(1, "k", Types.StringType.get()),
          Types.NestedField.required(2, "n", Types.LongType.get()),
          Types.NestedField.required(3, "at", Types.TimestampType.withZone()));
  static final Map<String, FileFormat> formats = new HashMap<>();
  static final Map<String, Map<Long, Object[]>> places = new HashMap<>();
  static RESTCatalog catalog;

  public static void main(String[] args) throws Exception {
    var answers = System.out;
    System.setOut(System.err);
    Thread server = new Thread(IcebergTables::serve);
    server.setDaemon(true);
    server.start();
    var lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = lines.readLine()) != null; ) {
      try {
        answers.println("OK " + answer(line.split(" ")));
      } catch (Throwable error) {
        answers.println("ERROR " + error);
      }
      answers.flush();
    }
    System.exit(0);
  }

  static void serve() {
    try {
      RESTCatalogServer.main(new String[0]);
    } catch (Exception error) {
      error.printStackTrace();
      System.exit(1);
    }
  }

  static String answer(String[] words) throws Exception {
    if (words[0].equals("connect")) {
      catalog = new RESTCatalog();
      catalog.initialize("rest", Map.of("uri", words[1]));
      catalog.createNamespace(Namespace.of("db"));
      return "";
    }
    String name = words[1];
    switch (words[0]) {
      case "create":
        formats.put(name, FileFormat.fromString(words[2]));
        places.put(name, new HashMap<>());
        catalog.createTable(TableIdentifier.of("db", name), SCHEMA, PartitionSpec.unpartitioned(), Map.of("format-version", "2"));
        return "";
      case "append": {
        Table table = load(name);
        table.newAppend().appendFile(write(name, table, rows(Long.parseLong(words[2]), Long.parseLong(words[3])))).commit();
        return "";
      }
      case "change":
        change(name, load(name), words);
        return "";
      case "compact":
        compact(name, load(name));
        return "";
      case "rows":
        return String.join(",", live(load(name)).values().stream().map(row -> row.getField("n") + ":" + row.getField("k")).toList());
      default:
        throw new IllegalArgumentException(words[0]);
    }
  }

  static void change(String name, Table table, String[] words) throws Exception {
    RowDelta delta = table.newRowDelta();
    if (!words[2].equals("-")) delta.addDeletes(equality(name, table, "n", Arrays.stream(words[2].split(",")).map(Long::parseLong).toList()));
    if (!words[3].equals("-")) delta.addDeletes(equality(name, table, "k", List.of(words[3].split(","))));
    if (!words[4].equals("-")) delta.addDeletes(positions(name, table, Arrays.stream(words[4].split(",")).map(Long::parseLong).toList()));
    if (!words[5].equals("-")) {
      List<Record> rows = new ArrayList<>();
      for (String n : words[5].split(",")) rows.add(row("new", Long.parseLong(n)));
      delta.addRows(write(name, table, rows));
    }
    delta.commit();
  }

  static void compact(String name, Table table) throws Exception {
    List<Record> rows = new ArrayList<>(live(table).values());
    RewriteFiles rewrite = table.newRewrite();
    try (CloseableIterable<FileScanTask> tasks = table.newScan().planFiles()) {
      for (FileScanTask task : tasks) rewrite.deleteFile(task.file());
    }
    rewrite.addFile(write(name, table, rows)).commit();
  }

  static TreeMap<Long, Record> live(Table table) throws Exception {
    TreeMap<Long, Record> found = new TreeMap<>();
    try (CloseableIterable<Record> rows = IcebergGenerics.read(table).build()) {
      for (Record row : rows) found.put((Long) row.getField("n"), row.copy());
    }
    return found;
  }

  static DataFile write(String name, Table table, List<Record> rows) throws Exception {
    EncryptedOutputFile out = output(name, table);
    var writer = new GenericAppenderFactory(SCHEMA).newDataWriter(out, formats.get(name), null);
    long at = 0;
    try (writer) {
      for (Record row : rows) {
        writer.write(row);
        places.get(name).put((Long) row.getField("n"), new Object[] {out.encryptingOutputFile().location(), at++});
      }
    }
    return writer.toDataFile();
  }

  static DeleteFile equality(String name, Table table, String column, List<?> values) throws Exception {
    Schema key = SCHEMA.select(column);
    int id = SCHEMA.findField(column).fieldId();
    var factory = new GenericAppenderFactory(SCHEMA, PartitionSpec.unpartitioned(), new int[] {id}, key, null);
    var writer = factory.newEqDeleteWriter(output(name, table), formats.get(name), null);
    try (writer) {
      for (Object value : values) {
        Record row = GenericRecord.create(key);
        row.setField(column, value);
        writer.write(row);
      }
    }
    return writer.toDeleteFile();
  }

  static DeleteFile positions(String name, Table table, List<Long> numbers) throws Exception {
    var writer = new GenericAppenderFactory(SCHEMA).newPosDeleteWriter(output(name, table), formats.get(name), null);
    PositionDelete<Record> delete = PositionDelete.create();
    try (writer) {
      for (long n : numbers) {
        Object[] place = places.get(name).get(n);
        writer.write(delete.set((String) place[0], (Long) place[1], null));
      }
    }
    return writer.toDeleteFile();
  }

  static EncryptedOutputFile output(String name, Table table) {
    String file = UUID.randomUUID() + "." + formats.get(name).name().toLowerCase();
    return EncryptedFiles.encryptedOutput(table.io().newOutputFile(table.location() + "/data/" + file), EncryptionKeyMetadata.EMPTY);
  }

  static List<Record> rows(long from, long to) {
    List<Record> rows = new ArrayList<>();
    for (long n = from; n < to; n++) rows.add(row("k" + n % 7, n));
    return rows;
  }

  static Record row(String k, long n) {
    Record row = GenericRecord.create(SCHEMA);
    row.setField("k", k);
    row.setField("n", n);
    row.setField("at", OffsetDateTime.of(2020, 1, 1, 0, 0, 0, 0, ZoneOffset.UTC).plusSeconds(n));
    return row;
  }

  static Table load(String name) {
    return catalog.loadTable(TableIdentifier.of("db", name));
  }
}

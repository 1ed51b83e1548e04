/* The XML of S3's answers as servers send it, what is refused, and libraries that are loaded. */
#include "base/buf.h"
#include "base/error.h"
#include "base/library.h"
#include "aws/xml.h"
#include "tap.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>

#define AWS_DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define CEPH_DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
#define SWIFT_DECLARATION "<?xml version='1.0' encoding='UTF-8'?>\n"
#define NAMESPACE " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

struct visits {
    struct buf seen;    /* "path=text\n" for each */
    int count, stop_at; /* the visit that fails; 0: none */
    size_t longest_text;
};

static int record(void *context, const char *path, const char *text, struct error *error)
{
    struct visits *visits = context;
    if (++visits->count == visits->stop_at)
        return error_set(error, ERROR_REFUSED, "seen enough");
    if (strlen(text) > visits->longest_text)
        visits->longest_text = strlen(text);
    return buf_printf(&visits->seen, error, "%s=%s\n", path, text);
}

static const struct {
    const char *title, *root, *xml, *seen;
} documents[] = {
    {"AWS: a listing", "ListBucketResult",
     AWS_DECLARATION
     "<ListBucketResult" NAMESPACE "><Name>wal</Name><Prefix>a/</Prefix><KeyCount>2</KeyCount>"
     "<NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=</NextContinuationToken>"
     "<IsTruncated>true</IsTruncated><Contents><Key>a/1&amp;2</Key><ETag>&quot;70ee&quot;</ETag>"
     "<Size>16777216</Size></Contents><Contents><Key>a/3</Key><Size>0</Size></Contents>"
     "<CommonPrefixes><Prefix>a/b/</Prefix></CommonPrefixes></ListBucketResult>",
     "Name=wal\nPrefix=a/\nKeyCount=2\n"
     "NextContinuationToken=1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=\nIsTruncated=true\n"
     "Contents/Key=a/1&2\nContents/ETag=\"70ee\"\nContents/Size=16777216\nContents=\n"
     "Contents/Key=a/3\nContents/Size=0\nContents=\nCommonPrefixes/Prefix=a/b/\nCommonPrefixes=\n"
     "=\n"},
    {"Ceph: a listing", "ListBucketResult",
     CEPH_DECLARATION "<ListBucketResult" NAMESPACE "><Name>wal</Name><Prefix></Prefix><MaxKeys>1"
                      "</MaxKeys><IsTruncated>false</IsTruncated><Contents><Key>00000002.history"
                      "</Key><ETag>&quot;d41d&quot;</ETag><Owner><ID>test</ID><DisplayName>test "
                      "user</DisplayName></Owner><Type>Normal</Type></Contents><Marker></Marker>"
                      "</ListBucketResult>",
     "Name=wal\nPrefix=\nMaxKeys=1\nIsTruncated=false\nContents/Key=00000002.history\n"
     "Contents/ETag=\"d41d\"\nContents/Owner/ID=test\nContents/Owner/DisplayName=test user\n"
     "Contents/Owner=\nContents/Type=Normal\nContents=\nMarker=\n=\n"},
    {"MinIO: an empty listing", "ListBucketResult",
     AWS_DECLARATION "<ListBucketResult" NAMESPACE "><Name>wal</Name><Prefix/><MaxKeys>1000"
                     "</MaxKeys></ListBucketResult>\n",
     "Name=wal\nPrefix=\nMaxKeys=1000\n=\n"},
    {"indented", "ListBucketResult",
     "<ListBucketResult>\r\n  <Contents>\n\t<Key>k</Key>\n  </Contents>\n  \n</ListBucketResult>",
     "Contents/Key=k\nContents=\n=\n"},
    {"AWS: a deletion with errors", "DeleteResult",
     AWS_DECLARATION "<DeleteResult" NAMESPACE "><Deleted><Key>a</Key></Deleted><Error><Key>b</Key>"
                     "<Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
                     "</DeleteResult>",
     "Deleted/Key=a\nDeleted=\nError/Key=b\nError/Code=AccessDenied\nError/Message=Access Denied\n"
     "Error=\n=\n"},
    {"Ceph: a deletion, quiet", "DeleteResult", CEPH_DECLARATION "<DeleteResult" NAMESPACE " />",
     "=\n"},
    {"AWS: an error", "Error",
     AWS_DECLARATION
     "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist."
     "</Message><Key>k</Key><RequestId>4442587FB7D0A2F9</RequestId><HostId></HostId>"
     "</Error>",
     "Code=NoSuchKey\nMessage=The specified key does not exist.\nKey=k\n"
     "RequestId=4442587FB7D0A2F9\nHostId=\n=\n"},
    {"Ceph: an error", "Error",
     CEPH_DECLARATION "<Error><Code>NoSuchBucket</Code><BucketName>wal</BucketName><RequestId>"
                      "tx00000-0065-1034-default</RequestId><HostId>1034-default-default</HostId>"
                      "</Error>",
     "Code=NoSuchBucket\nBucketName=wal\nRequestId=tx00000-0065-1034-default\n"
     "HostId=1034-default-default\n=\n"},
    {"Swift: an error", "Error",
     SWIFT_DECLARATION
     "<Error><Code>BadDigest</Code><Message>The Content-MD5 you specified did "
     "not match what we received.</Message><expected_digest>xyz=</expected_digest>"
     "</Error>",
     "Code=BadDigest\nMessage=The Content-MD5 you specified did not match what we received.\n"
     "expected_digest=xyz=\n=\n"},
    {"MinIO: an upload begins", "InitiateMultipartUploadResult",
     AWS_DECLARATION "<InitiateMultipartUploadResult" NAMESPACE "><Bucket>wal</Bucket><Key>k</Key>"
                     "<UploadId>NGZi&#43;Zg==</UploadId></InitiateMultipartUploadResult>",
     "Bucket=wal\nKey=k\nUploadId=NGZi+Zg==\n=\n"},
    {"AWS: an upload that took its time", "r", " \n \r\n\t" AWS_DECLARATION "<r><a>b</a></r>",
     "a=b\n=\n"},
    {"prefixes", "Error",
     "<s3:Error xmlns:s3=\"urn:x\"><s3:Code a:b=\"c\">x</s3:Code><y:a><a>b</a></y:a></s3:Error>",
     "Code=x\na/a=b\na=\n=\n"},
    {"entities and characters", "r", "<r><a>&amp;&lt;&gt;&apos;&quot;&#x41;&#66;&#x20AC;</a></r>",
     "a=&<>'\"AB\xe2\x82\xac\n=\n"},
    {"an entity decoded once", "r", "<r><a>&amp;lt;</a></r>", "a=&lt;\n=\n"},
    {"CDATA", "r", "<r><a>1<![CDATA[<b>&amp;]]>2</a></r>", "a=1<b>&amp;2\n=\n"},
    {"a comment and an instruction in a text", "r", "<r><a>1<!-- <x> -->2<?y z?>3</a></r>",
     "a=123\n=\n"},
    {"UTF-8", "r", "<r><a>\xc3\xa4\xf0\x9f\x90\x98</a></r>", "a=\xc3\xa4\xf0\x9f\x90\x98\n=\n"},
    {"UTF-8 with a mark", "r", "\xef\xbb\xbf<r><a>b</a></r>", "a=b\n=\n"},
    {"ISO-8859-1", "r", "<?xml version='1.0' encoding='ISO-8859-1'?><r><a>\xe4</a></r>",
     "a=\xc3\xa4\n=\n"},
    {"white space around a text", "r", "<r><a> \t\r\n b \n</a></r>", "a= \t\n b \n\n=\n"},
    {"texts between elements", "r", "<r>1<a>2<b>3</b>4</a>5</r>", "a/b=3\na=\n=\n"},
    {"a text of the root", "r", "<r>1</r>", "=1\n"},
};

static void test_documents(void)
{
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        struct visits visits = {0};
        struct error error = {0};
        is_int(aws_xml_read(documents[i].xml, strlen(documents[i].xml), documents[i].root, record,
                            &visits, &error),
               0, "%s: read %s", documents[i].title, error.message);
        is_string(visits.seen.data, documents[i].seen, "%s: content", documents[i].title);
        buf_free(&visits.seen);
    }
}

#define ENTITIES                                                                                   \
    "<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">"                     \
    "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;\">" \
    "<!ENTITY e \"&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;\"><!ENTITY f \"&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;\">"

#define WITH_SIZE(text) text, sizeof text - 1

static const struct {
    const char *title, *xml;
    size_t size;
    const char *reason; /* part of the message */
} refused[] = {
    {"nothing", NULL, 0, "no element found"},
    {"white space", WITH_SIZE("  \n"), "no element found"},
    {"no XML", WITH_SIZE("404 page not found\n"), "syntax error"},
    {"JSON", WITH_SIZE("{\"error\": \"no\"}"), "not well-formed"},
    {"an HTML page", WITH_SIZE("<!DOCTYPE html>\n<html><p>Log in<br></html>"), "document type"},
    {"an HTML page of old", WITH_SIZE("<html><head><title>502</title></head>\n<hr></html>"),
     "it is <html> where <r> was expected"},
    {"another root", WITH_SIZE("<Error><r>a</r></Error>"), "it is <Error> where <r> was expected"},
    {"a root that begins so", WITH_SIZE("<rr/>"), "it is <rr> where <r> was expected"},
    {"garbage behind", WITH_SIZE("<r/>x"), "junk after document element"},
    {"a second document", WITH_SIZE("<r/><r/>"), "junk after document element"},
    {"crossing tags", WITH_SIZE("<r>\n<a><b></a></b></r>"), "mismatched tag in line 2"},
    {"a bare ampersand", WITH_SIZE("<r><a>1&2</a></r>"), "not well-formed"},
    {"an unknown entity", WITH_SIZE("<r><a>&nbsp;</a></r>"), "undefined entity"},
    {"a document type", WITH_SIZE("<!DOCTYPE r><r/>"), "document type"},
    {"a document type from elsewhere", WITH_SIZE("<!DOCTYPE r SYSTEM \"http://127.0.0.1/\"><r/>"),
     "document type"},
    {"a billion laughs", WITH_SIZE("<!DOCTYPE r [" ENTITIES "]><r><a>&f;&f;&f;</a></r>"),
     "document type"},
    {"entities of parameters", WITH_SIZE("<!DOCTYPE r [<!ENTITY % a 'b'>%a;]><r/>"),
     "document type"},
    {"an external entity",
     WITH_SIZE("<!DOCTYPE r [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><r>&a;</r>"),
     "document type"},
    {"a zero byte in a text", WITH_SIZE("<r><a>1\0002</a></r>"), "not well-formed"},
    {"a zero byte before", WITH_SIZE(" \0<r/>"), "unclosed token"},
    {"a zero byte behind", WITH_SIZE("<r/>\0"), "not well-formed"},
    {"a zero character", WITH_SIZE("<r><a>&#0;</a></r>"), "invalid character number"},
    {"a surrogate", WITH_SIZE("<r>&#xD800;</r>"), "invalid character number"},
    {"broken UTF-8", WITH_SIZE("<r><a>\xc3(</a></r>"), "not well-formed"},
    {"overlong UTF-8", WITH_SIZE("<r><a>\xc0\xaf</a></r>"), "not well-formed"},
    {"an unknown encoding", WITH_SIZE("<?xml version='1.0' encoding='EBCDIC-37'?><r/>"),
     "unknown encoding"},
    {"UTF-16 that is none", WITH_SIZE("<?xml version='1.0' encoding='UTF-16'?><r/>"),
     "encoding specified in XML declaration is incorrect"},
    {"a prefix without a name", WITH_SIZE("<r><a:>1</a:></r>"), "a prefix and no name"},
};

static long memory_peak_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void test_refused(void)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct visits visits = {0};
        struct error error = {0};
        int result = aws_xml_read(refused[i].xml, refused[i].size, "r", record, &visits, &error);
        ok(result == -1 && error.class == ERROR_UNREACHABLE, "%s is refused", refused[i].title);
        ok(strstr(error.message, refused[i].reason) != NULL, "%s: %s", refused[i].title,
           error.message);
        if (strstr(refused[i].reason, "document type") || strstr(refused[i].reason, "expected"))
            is_int(visits.count, 0, "%s: no element was read", refused[i].title);
        buf_free(&visits.seen);
    }
}

static int read_all(const struct buf *xml, struct visits *visits, struct error *error)
{
    *error = (struct error){0};
    *visits = (struct visits){0};
    int result = aws_xml_read(xml->data, xml->length, "r", record, visits, error);
    buf_free(&visits->seen);
    return result;
}

static void repeat(struct buf *buf, const char *text, size_t times)
{
    struct error error;
    while (times--)
        if (buf_append(buf, text, strlen(text), &error))
            abort();
}

/* A document of `depth` elements in each other. */
static void test_depth(size_t depth, int expected)
{
    struct buf xml = {0};
    struct visits visits;
    struct error error;
    repeat(&xml, "<r>", depth);
    repeat(&xml, "</r>", depth);
    is_int(read_all(&xml, &visits, &error), expected, "%zu elements deep: %s", depth,
           error.message);
    is_int(visits.count, expected ? 0 : (int)depth, "%zu deep: visits", depth);
    is_int(error.class, expected ? ERROR_UNREACHABLE : ERROR_NONE, "%zu deep: class", depth);
    buf_free(&xml);
}

/* `times` times the text between begin and end. */
static void test_length(const char *begin, const char *text, size_t times, const char *end,
                        int expected)
{
    struct buf xml = {0};
    struct visits visits;
    struct error error;
    repeat(&xml, begin, 1);
    repeat(&xml, text, times);
    repeat(&xml, end, 1);
    is_int(read_all(&xml, &visits, &error), expected, "%s%s * %zu: %s", begin, text, times,
           error.message);
    is_int(error.class, expected ? ERROR_UNREACHABLE : ERROR_NONE, "%s%s * %zu: class", begin, text,
           times);
    ok(visits.longest_text <= 8192, "%s%s * %zu: no longer text was shown", begin, text, times);
    buf_free(&xml);
}

static void test_lengths(void)
{
    test_length("<r><a>", "x", 8192, "</a></r>", 0);
    test_length("<r><a>", "x", 8193, "</a></r>", -1);
    test_length("<r><a>", "x", 8192, "</a> </r>", 0);
    test_length("<r><a>", "&amp;", 8192, "</a></r>", 0);
    test_length("<r><a>", "&amp;", 8193, "</a></r>", -1);
    test_length("<r><a>", "\xc3\xa4", 4096, "</a></r>", 0);
    test_length("<r><a>", "\xc3\xa4", 4097, "</a></r>", -1);
    test_length("<r><a>", "x", 1000000, "</a></r>", -1);
    test_length("<r>", "<a>0123456789</a>", 100000, "</r>", 0);
    test_length("<r><", "n", 8192, "/></r>", 0);
    test_length("<r><", "n", 8193, "/></r>", -1);
    test_length("<", "n", 8193, "/>", -1);
}

/* Of what is cut off nothing is taken for a whole document. */
static void test_truncated(void)
{
    const char *xml = documents[0].xml;
    for (size_t size = 0; size < strlen(xml); size++) {
        struct visits visits = {0};
        struct error error = {0};
        char *copy = malloc(size + 1); /* a read behind its end is seen by a sanitizer */
        memcpy(copy + 1, xml, size);
        int result = aws_xml_read(copy + 1, size, "ListBucketResult", record, &visits, &error);
        if (result != -1 || error.class != ERROR_UNREACHABLE)
            ok(false, "cut off at %zu", size);
        free(copy);
        buf_free(&visits.seen);
    }
    ok(true, "cut off at %zu places", strlen(xml));
}

static void test_utf16(const char *title, size_t high, size_t low)
{
    const char *text = "<?xml version='1.0' encoding='UTF-16'?><r><a>b</a></r>";
    char wide[256] = {0};
    struct visits visits = {0};
    struct error error = {0};
    wide[high] = (char)0xfe;
    wide[low] = (char)0xff;
    for (size_t i = 0; text[i]; i++)
        wide[2 + 2 * i + low] = text[i];
    is_int(aws_xml_read(wide, 2 + 2 * strlen(text), "r", record, &visits, &error), 0,
           "%s is read: %s", title, error.message);
    is_string(visits.seen.data, "a=b\n=\n", "%s: content", title);
    buf_free(&visits.seen);
}

static void test_stop(void)
{
    const char *xml = "<r><a>1</a><b/><c>&bad;</c></r>";
    for (int at = 1; at <= 2; at++) {
        struct visits visits = {.stop_at = at};
        struct error error = {0};
        is_int(aws_xml_read(xml, strlen(xml), "r", record, &visits, &error), -1, "stopped at %d",
               at);
        is_int(visits.count, at, "stopped at %d: no further visit", at);
        is_int(error.class, ERROR_REFUSED, "stopped at %d: the visitor's class", at);
        is_string(error.message, "seen enough", "stopped at %d: the visitor's message", at);
        buf_free(&visits.seen);
    }
    struct visits visits = {.stop_at = 1};
    struct error error = {0};
    is_int(aws_xml_read("<r/>", 4, "r", record, &visits, &error), -1, "stopped at the root");
    is_string(error.message, "seen enough", "stopped at the root: the visitor's message");
}

/* The parser would need memory for each element that is open. */
static void test_stop_at_once(void)
{
    struct buf xml = {0};
    struct visits visits = {.stop_at = 1};
    struct error error = {0};
    repeat(&xml, "<r><a/>", 1);
    repeat(&xml, "<b>", 1000000);
    long before = memory_peak_kib();
    is_int(aws_xml_read(xml.data, xml.length, "r", record, &visits, &error), -1, "stopped early");
    long grown = memory_peak_kib() - before;
    ok(grown < 64 * 1024, "stopped early: the rest is not read, %ld KiB", grown);
    buf_free(&xml);
}

static void test_too_large(void)
{
    struct visits visits = {0};
    struct error error = {0};
    is_int(aws_xml_read("<r/>", (size_t)INT_MAX + 1, "r", record, &visits, &error), -1,
           "too large");
    is_int(error.class, ERROR_UNREACHABLE, "too large: class");
    ok(strstr(error.message, "too large") != NULL, "too large: %s", error.message);
}

static bool is_loaded(const char *file)
{
    void *library = dlopen(file, RTLD_NOW | RTLD_NOLOAD);
    if (library)
        dlclose(library);
    return library != NULL;
}

static void test_library(void)
{
    const char *const names[] = {"XML_ParserCreate", "XML_ParserFree", NULL};
    const char *const wrong[] = {"XML_ParserCreate", "XML_NoSuchFunction", NULL};
    void *functions[2] = {NULL, NULL};
    struct error error = {0};
    ok(!library_open("libnone.so.7", "a test needs none", names, functions, &error), "no library");
    is_int(error.class, ERROR_SYSTEM, "no library: class");
    is_string(error.message,
              "a test needs none: libnone.so.7: cannot open shared object file: No such file or "
              "directory",
              "no library: message");
    ok(!library_open("libexpat.so.1", "a test needs it", wrong, functions, &error), "no function");
    is_int(error.class, ERROR_SYSTEM, "no function: class");
    is_string(error.message, "a test needs it: libexpat.so.1 has no XML_NoSuchFunction",
              "no function: message");
    ok(!is_loaded("libexpat.so.1"), "neither a failure nor a document leaves the library loaded");
    void *library = library_open("libexpat.so.1", "a test needs it", names, functions, &error);
    ok(library && is_loaded("libexpat.so.1"), "a library");
    ok(functions[0] && functions[0] == dlsym(library, names[0]), "its first function");
    ok(functions[1] && functions[1] == dlsym(library, names[1]), "its second function");
    library_close(library);
    ok(!is_loaded("libexpat.so.1"), "it is unloaded");
    library_close(NULL);
}

int main(void)
{
    test_documents();
    long before = memory_peak_kib();
    test_refused();
    long grown = memory_peak_kib() - before;
    ok(grown < 4096, "what is refused takes little memory: %ld KiB", grown);
    test_depth(16, 0);
    test_depth(17, -1);
    test_depth(100000, -1);
    test_lengths();
    test_truncated();
    test_utf16("UTF-16, high byte first", 0, 1);
    test_utf16("UTF-16, low byte first", 1, 0);
    test_stop();
    test_stop_at_once();
    test_too_large();
    test_library();
    return done_testing();
}

/* Reads every row of some tables and does nothing with them: the least that
 * a comparison on the client's side can cost.
 *
 *   read_rows PORT DATABASE TABLE…
 *
 * Over TCP and TLS, as the comparison reads them.
 */
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(MYSQL *server) {
  fprintf(stderr, "read_rows: %s\n", mysql_error(server));
  return 1;
}

int main(int count, char **words) {
  if (count < 4) {
    fprintf(stderr, "usage: read_rows PORT DATABASE TABLE...\n");
    return 2;
  }
  MYSQL *server = mysql_init(NULL);
  my_bool encrypted = 1;
  if (!server || mysql_options(server, MYSQL_OPT_SSL_ENFORCE, &encrypted)) return fail(server);
  if (!mysql_real_connect(server, "127.0.0.1", "bench", "bench", words[2], (unsigned)atoi(words[1]), NULL, 0)) return fail(server);
  unsigned long long rows = 0;
  for (int table = 3; table < count; table++) {
    char query[256];
    snprintf(query, sizeof query, "SELECT * FROM `%s`", words[table]);
    if (mysql_query(server, query)) return fail(server);
    MYSQL_RES *result = mysql_use_result(server);
    if (!result) return fail(server);
    while (mysql_fetch_row(result)) rows++;
    if (mysql_errno(server)) return fail(server);
    mysql_free_result(result);
  }
  mysql_close(server);
  printf("%llu\n", rows);
  return 0;
}

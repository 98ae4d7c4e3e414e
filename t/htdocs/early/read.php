<?php
// Reads all that it is handed.
$read = strlen(file_get_contents('php://input'));
header('Content-Type: text/plain');
echo "read=$read\n";
